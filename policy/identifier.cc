#include "policy/identifier.h"

#include <algorithm>

#include "inspect/utf8.h"

namespace sallyport::policy {

bool is_identifier(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

bool is_title(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most && inspect::is_clean_text(text) &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

}  // namespace sallyport::policy
