#include "policy/source/clearance_file.h"

#include <array>

#include "inspect/element.h"
#include "policy/label/ess.h"
#include "policy/label/stanag4774.h"
#include "policy/source/document_tree.h"

namespace sallyport::policy::source {
namespace {

std::string sentence(label::Misreading misreading) {
  if (misreading == label::Misreading::UnknownFormat) return "its root is no clearance of STANAG 4774";
  return std::string(in_words(misreading));
}

}  // namespace

std::expected<label::Clearance, std::string> clearance_of(const SourceFile& file, const label::Policy& policy,
                                                          label::NameCase names) {
  const std::array<const label::Policy*, 1> policies = {&policy};
  const label::Lexicon lexicon(policies, names);
  std::expected<label::Clearance, label::Misreading> found;
  if (file.text.find_first_not_of(" \t\r\n") == file.text.find('<') && file.text.find('<') != std::string::npos) {
    inspect::Arena arena;
    const auto document = read_document(file.text, file.name, arena);
    if (!document)
      return std::unexpected("line " + std::to_string(document.error().line) + ": " + document.error().what);
    found = label::decode_4774_clearance(*document->root, lexicon);
  } else {
    constexpr char kSequence = 0x30;  // also '0', with which no base 64 of a SEQUENCE begins
    auto octets = file.text.starts_with(kSequence) ? file.text : label::octets_of_text(file.text);
    if (!octets) return std::unexpected("it is neither XML nor BER nor base 64");
    found = label::decode_clearance(*octets, label::ber::Rules::Ber, lexicon.facts());
  }
  if (!found) return std::unexpected(sentence(found.error()));
  return std::move(*found);
}

}  // namespace sallyport::policy::source
