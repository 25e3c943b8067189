// Writes what is made from the table of configuration keys into docs/. The only argument is that folder.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "proxy/config/reference.h"

namespace {

std::string content(const std::string& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: write_reference DOCS\n", stderr), 2;
  const std::string docs = argv[1];
  std::ofstream(docs + "/reference/configuration.md") << sallyport::config::reference_page();

  const std::string manual = docs + "/man/sallyport.toml.5.scd";
  const auto page = sallyport::config::with_manual_list(content(manual));
  if (!page) return std::fputs("the manual page has lost its markers\n", stderr), 1;
  std::ofstream(manual) << *page;
  return 0;
}
