#include "inspect/grammar.h"

#include <algorithm>

namespace sallyport::inspect {
namespace {

bool is_reserved(std::string_view name) {
  return name.size() >= 3 && (name[0] | 0x20) == 'x' && (name[1] | 0x20) == 'm' && (name[2] | 0x20) == 'l' &&
         name != "xml-not-well-formed";
}

bool is_namespace_character(char c) {
  return c > 0x20 && c < 0x7F && c != '"' && c != '&' && c != '\'' && c != '<' && c != '>';
}

}  // namespace

bool is_local_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameOctets && is_name_start(name[0]) &&
         std::ranges::all_of(name.substr(1), is_name_character) && !is_reserved(name);
}

bool is_namespace_name(std::string_view ns) {
  return !ns.empty() && ns.size() <= kNamespaceOctets && std::ranges::all_of(ns, is_namespace_character);
}

}  // namespace sallyport::inspect
