#include "inspect/grammar.h"

#include <algorithm>

namespace sallyport::inspect {
namespace {

constexpr CharacterTable kNamespaceCharacters([](char c) {
  return c > 0x20 && c < 0x7F && c != '"' && c != '&' && c != '\'' && c != '<' && c != '>';
});

}  // namespace

bool is_local_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameOctets && is_name_start(name[0]) &&
         std::ranges::all_of(name.substr(1), kNameCharacters) && !is_reserved_name(name);
}

bool is_namespace_name(std::string_view ns) {
  return !ns.empty() && ns.size() <= kNamespaceOctets && std::ranges::all_of(ns, kNamespaceCharacters);
}

}  // namespace sallyport::inspect
