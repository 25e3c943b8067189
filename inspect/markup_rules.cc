#include "inspect/markup_rules.h"

#include "inspect/grammar.h"
#include "inspect/utf8.h"

namespace sallyport::inspect {
namespace {

using enum StreamCondition;

std::optional<char32_t> number_of(std::string_view digits, char32_t radix) {
  if (digits.empty() || digits.size() > 7) return std::nullopt;
  char32_t number = 0;
  for (const char c : digits) {
    char32_t digit = 16;
    if (is_digit(c)) digit = static_cast<char32_t>(c - '0');
    if (is_letter(c)) digit = static_cast<char32_t>((c | 0x20) - 'a') + 10;
    if (digit >= radix) return std::nullopt;
    number = number * radix + digit;
  }
  return number;
}

bool take(std::string_view& text, std::string_view wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(wanted.size());
  return true;
}

// What stands in quotes at the front; nullopt if nothing does.
std::optional<std::string_view> take_quoted(std::string_view& text) {
  if (text.empty() || (text[0] != '\'' && text[0] != '"')) return std::nullopt;
  const std::size_t end = text.find(text[0], 1);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view quoted = text.substr(1, end - 1);
  text.remove_prefix(end + 1);
  return quoted;
}

bool is_utf8_label(std::string_view label) {
  return label == "utf-8" || label == "UTF-8";
}

}  // namespace

std::optional<MarkupFault> fault_of_reference(std::string_view reference) {
  for (const std::string_view predefined : {"amp", "lt", "gt", "apos", "quot"})
    if (reference == predefined) return std::nullopt;
  if (!take(reference, "#")) {
    if (reference.empty() || !is_name_start(reference[0])) return MarkupFault{NotWellFormed, "no reference"};
    return MarkupFault{RestrictedXml, "an entity reference"};
  }
  const char32_t radix = take(reference, "x") ? 16 : 10;
  const auto code_point = number_of(reference, radix);
  if (!code_point) return MarkupFault{NotWellFormed, "a character reference that is no number"};
  switch (judge(*code_point)) {
    case CharacterFault::None:
      return std::nullopt;
    case CharacterFault::BadUtf8:
    case CharacterFault::NotXml:
      return MarkupFault{NotWellFormed, "a reference to what is no character"};
    case CharacterFault::ByteOrderMark:
    case CharacterFault::Forbidden:
      break;
  }
  return MarkupFault{BadFormat, "a reference to a forbidden character"};
}

std::optional<MarkupFault> fault_of_declaration(std::string_view declaration) {
  if (const std::size_t at = declaration.find("encoding"); at != std::string_view::npos) {
    std::string_view rest = declaration.substr(at + 8);
    while (!rest.empty() && (is_space(rest[0]) || rest[0] == '=')) rest.remove_prefix(1);
    const auto label = take_quoted(rest);
    if (label && !is_utf8_label(*label))
      return MarkupFault{UnsupportedEncoding, "a declared encoding other than UTF-8"};
  }
  bool legal = take(declaration, "<?xml version=") && take_quoted(declaration) == "1.0";
  if (legal && take(declaration, " encoding=")) legal = take_quoted(declaration).has_value();
  while (!declaration.empty() && is_space(declaration[0])) declaration.remove_prefix(1);
  if (!legal || declaration != "?")
    return MarkupFault{RestrictedXml, "a processing instruction, or an odd declaration"};
  return std::nullopt;
}

}  // namespace sallyport::inspect
