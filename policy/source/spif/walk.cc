#include "policy/source/spif/walk.h"

#include <algorithm>
#include <charconv>

#include "inspect/utf8.h"

namespace sallyport::policy::source::spif {
namespace {

using label::Codes;

/// Takes exactly `digits` digits off the front.
std::optional<int> take_digits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(1);
  return true;
}

/// "Z", "+hh:mm", "-hh:mm" or nothing, in minutes.
std::optional<int> take_zone(std::string_view& text) {
  if (text.empty() || take(text, 'Z')) return 0;
  const bool west = text.starts_with('-');
  if (!take(text, '-') && !take(text, '+')) return std::nullopt;
  const auto hours = take_digits(text, 2);
  if (!hours || *hours > 14 || !take(text, ':')) return std::nullopt;
  const auto minutes = take_digits(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  const int offset = *hours * 60 + *minutes;
  return west ? -offset : offset;
}

/// A fraction of a second in milliseconds, the rest of it cut.
std::optional<int> take_fraction(std::string_view& text) {
  if (!take(text, '.')) return 0;
  int value = 0;
  std::size_t digits = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), ++digits)
    if (digits < 3) value = value * 10 + (text.front() - '0');
  if (digits == 0 || digits > 12) return std::nullopt;
  for (; digits < 3; ++digits) value *= 10;
  return value;
}

std::string what_it_is(const Element& e) {
  const std::string* name = Walk::attribute(e, "name");
  return quoted(e.name) + (name == nullptr || name->size() > label::kLargestName ? "" : " " + *name);
}

}  // namespace

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::optional<std::int64_t> date_time(std::string_view text) {
  const auto year = take_digits(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day || !take(text, 'T')) return std::nullopt;
  const auto hour = take_digits(text, 2);
  if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || *minute > 59 || !take(text, ':')) return std::nullopt;
  const auto second = take_digits(text, 2);
  if (!second || *second > 59) return std::nullopt;
  const auto fraction = take_fraction(text);
  const auto zone = fraction ? take_zone(text) : std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!zone || !text.empty() || !date.ok()) return std::nullopt;
  const label::Time at = std::chrono::sys_days(date) + std::chrono::hours(*hour) +
                         std::chrono::minutes(*minute - *zone) + std::chrono::seconds(*second) +
                         std::chrono::milliseconds(*fraction);
  return at.time_since_epoch().count();
}

Mistake Walk::at_place(const Element& at, std::string what, std::string remedy) const {
  return {file_, at.line, 1, std::move(what), std::move(remedy)};
}

void Walk::mistake(const Element& at, std::string what, std::string remedy) {
  mistakes_.push_back(at_place(at, std::move(what), std::move(remedy)));
}

void Walk::warning(const Element& at, std::string what, std::string remedy) {
  warnings_.push_back(at_place(at, std::move(what), std::move(remedy)));
}

const std::string* Walk::attribute(const Element& e, std::string_view name) {
  const auto at = std::ranges::find(e.attributes, name, [](const auto& a) { return std::string_view(a.first); });
  return at == e.attributes.end() ? nullptr : &at->second;
}

void Walk::check_attributes(const Element& e, std::initializer_list<std::string_view> known) {
  const std::vector<std::string_view> names(known);
  for (const auto& [name, value] : e.attributes) {
    if (std::ranges::find(names, name) != names.end()) continue;
    const std::string_view meant = inspect::nearest(name, names);
    mistake(e, "unknown attribute " + quoted(name) + " of " + what_it_is(e),
            meant.empty() ? "take it away" : "did you mean " + quoted(meant) + "?");
  }
}

void Walk::check_text_only(const Element& e) {
  for (const Element& child : e.children)
    mistake(child, quoted(e.name) + " holds an element " + quoted(child.name), "it may hold text only");
}

void Walk::check_children(const Element& e, std::initializer_list<Child> known) {
  const std::vector<Child> list(known);
  std::vector<std::uint32_t> counts(list.size());
  std::size_t reached = 0;
  for (const Element& child : e.children) {
    const auto found = std::ranges::find(list, std::string_view(child.name), &Child::name);
    if (child.space != Space::Own) {
      mistake(child,
              quoted(child.name) + " in " + quoted(e.name) + " is in " +
                  (child.space == Space::None ? "no namespace" : "another namespace: " + quoted(child.ns)),
              found == list.end() ? "take it away"
                                  : "its namespace is " + std::string(kNamespace) + "; is a prefix missing?");
      continue;
    }
    if (found == list.end()) {
      std::vector<std::string_view> names;
      names.reserve(list.size());
      for (const Child& each : list) names.push_back(each.name);
      const std::string_view meant = inspect::nearest(child.name, names);
      mistake(child, "unknown element " + quoted(child.name) + " in " + quoted(e.name),
              meant.empty() ? "take it away" : "did you mean " + quoted(meant) + "?");
      continue;
    }
    const auto place = static_cast<std::size_t>(found - list.begin());
    if (++counts[place] == found->most + 1 && found->most != UINT32_MAX)
      mistake(child, quoted(child.name) + " stands here too often", "take one away");
    if (place < reached && !how_.lenient_order)
      mistake(child,
              quoted(child.name) + " stands too late in " + quoted(e.name) + ", after " + quoted(list[reached].name),
              "put it before that, or import the file with lenient order");
    reached = std::max(reached, place);
  }
  for (std::size_t i = 0; i < list.size(); ++i)
    if (counts[i] < list[i].least)
      mistake(e, quoted(list[i].name) + " is missing in " + what_it_is(e), "the schema asks for it");
  if (!trimmed(e.text).empty()) mistake(e, "there is text in " + what_it_is(e), "take it away");
}

std::string Walk::text(const Element& e, std::string_view attribute_name) {
  const std::string* value = attribute(e, attribute_name);
  if (value == nullptr) return {};
  const bool is_usable = value->size() <= label::kLargestName && inspect::is_clean_text(*value) &&
                         std::ranges::none_of(*value, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (is_usable) return *value;
  mistake(e, quoted(attribute_name) + " of " + quoted(e.name) + " is too long or no text on one line",
          "write at most 256 characters on one line");
  return {};
}

std::string Walk::name(const Element& e, std::string_view attribute_name) {
  const std::string* value = attribute(e, attribute_name);
  if (value == nullptr || trimmed(*value).empty()) {
    mistake(e, quoted(attribute_name) + " is missing in " + quoted(e.name), "it names what is meant");
    return {};
  }
  return text(e, attribute_name);
}

std::optional<label::Oid> Walk::oid(const Element& e, std::string_view attribute_name) {
  const std::string* value = attribute(e, attribute_name);
  if (value == nullptr) {
    mistake(e, quoted(attribute_name) + " is missing in " + what_it_is(e), "write an object identifier, like 2.999.1");
    return std::nullopt;
  }
  auto found = label::Oid::of_text(trimmed(*value));
  if (!found)
    mistake(e, quoted(attribute_name) + " of " + what_it_is(e) + " is no object identifier",
            "write numbers with dots between, like 2.999.1");
  return found;
}

std::optional<std::uint32_t> Walk::number(const Element& e, std::string_view attribute_name, std::uint32_t largest,
                                          bool required) {
  const std::string* value = attribute(e, attribute_name);
  if (value == nullptr) {
    if (required) mistake(e, quoted(attribute_name) + " is missing in " + what_it_is(e), "write a number");
    return std::nullopt;
  }
  std::string_view text = trimmed(*value);
  if (text.starts_with('+')) text.remove_prefix(1);
  std::uint32_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault == std::errc{} && end == text.data() + text.size() && number <= largest) return number;
  mistake(
      e,
      quoted(attribute_name) + " of " + what_it_is(e) + " is not a whole number from 0 to " + std::to_string(largest),
      "write such a number");
  return std::nullopt;
}

std::optional<std::uint32_t> Walk::selection(const Element& e, std::string_view attribute_name) {
  const std::string* value = attribute(e, attribute_name);
  if (value == nullptr || trimmed(*value) == "unbounded") return std::nullopt;
  return number(e, attribute_name, UINT32_MAX - 1, false);
}

bool Walk::flag(const Element& e, std::string_view attribute_name) {
  const std::string* value = attribute(e, attribute_name);
  if (value == nullptr) return false;
  const std::string_view text = trimmed(*value);
  if (text == "true" || text == "1") return true;
  if (text != "false" && text != "0")
    mistake(e, quoted(attribute_name) + " of " + what_it_is(e) + " is neither true nor false", "write true or false");
  return false;
}

std::optional<std::int64_t> Walk::time(const Element& e, std::string_view attribute_name) {
  const std::string* value = attribute(e, attribute_name);
  if (value == nullptr) return std::nullopt;
  auto at = date_time(trimmed(*value));
  if (!at)
    mistake(e, quoted(attribute_name) + " of " + what_it_is(e) + " is no date and time",
            "write it like 2026-01-31T00:00:00Z");
  return at;
}

label::Period Walk::period(const Element& e) {
  const label::Period period{.not_before = time(e, "notBefore"), .not_after = time(e, "notAfter")};
  if (period.not_before && period.not_after && *period.not_before > *period.not_after)
    mistake(e, "notBefore is later than notAfter in " + what_it_is(e), "it would never be valid; mend one of the two");
  return period;
}

std::optional<Kind> Walk::kind(const Element& e) {
  const std::string type = name(e, "tagType");
  const std::string* enumeration = attribute(e, "enumType");
  if (type.empty()) return std::nullopt;
  if (type != "enumerated" && enumeration != nullptr)
    warning(e, "'enumType' has no meaning with tagType " + quoted(type), "take it away");
  if (type == "notApplicable") return Kind{.applicable = false};
  if (type == "restrictive") return Kind{.kind = label::TagKind::RestrictiveBits};
  if (type == "permissive") return Kind{.kind = label::TagKind::PermissiveBits};
  if (type == "tagType7") return Kind{.kind = label::TagKind::Informative};
  if (type != "enumerated") {
    mistake(e, "tagType can't be " + quoted(type),
            "write one of restrictive, permissive, enumerated, tagType7, notApplicable");
    return std::nullopt;
  }
  if (enumeration != nullptr && *enumeration == "restrictive") return Kind{.kind = label::TagKind::RestrictiveEnum};
  if (enumeration != nullptr && *enumeration == "permissive") return Kind{.kind = label::TagKind::PermissiveEnum};
  mistake(e, "an enumerated tag does not say whether it restricts or permits: " + what_it_is(e),
          "add enumType=\"restrictive\" or enumType=\"permissive\"");
  return std::nullopt;
}

std::optional<label::Applied> Walk::applied(const Element& e) {
  const std::string text = name(e, "applied");
  if (text == "encrypt") return label::Applied::Encrypt;
  if (text == "decrypt") return label::Applied::Decrypt;
  if (text == "both") return label::Applied::Both;
  if (!text.empty()) mistake(e, "applied can't be " + quoted(text), "write encrypt, decrypt or both");
  return std::nullopt;
}

std::optional<label::Operation> Walk::operation(const Element& e) {
  const std::string text = name(e, "operation");
  if (text == "onlyOne") return label::Operation::OnlyOne;
  if (text == "oneOrMore") return label::Operation::OneOrMore;
  if (text == "all") return label::Operation::All;
  if (!text.empty()) mistake(e, "operation can't be " + quoted(text), "write onlyOne, oneOrMore or all");
  return std::nullopt;
}

std::optional<Codes> Walk::codes(const Element& e, std::string_view written) {
  const std::string_view text = trimmed(written);
  if (const auto place = label::place(text)) return label::code(*place);
  if (text == "pageTopBottom")
    return static_cast<Codes>(label::code(label::Place::PageTop) | label::code(label::Place::PageBottom));
  if (text == "noNameDisplay") return label::kNoNameDisplay;
  if (text == "noMarkingDisplay") return label::kNoMarkingDisplay;
  if (text == "suppressClassName") return label::kSuppressClassName;
  if (text == "replacePolicy") return label::kReplacePolicy;
  mistake(e, "unknown marking code " + quoted(text),
          "labels know pageTop, pageBottom, pageTopBottom, replacePolicy ...");
  return std::nullopt;
}

label::MarkingData Walk::marking_data(const Element& e) {
  check_attributes(e, {"phrase"});
  check_children(e, {{.name = "code", .least = 1}});
  label::MarkingData data;
  if (attribute(e, "phrase") != nullptr) data.phrase = text(e, "phrase");
  data.lang = e.lang;
  for (const Element& child : e.children) {
    if (child.space != Space::Own || child.name != "code") continue;
    check_attributes(child, {});
    check_text_only(child);
    data.codes = static_cast<Codes>(data.codes | codes(child, child.text).value_or(0));
  }
  return data;
}

std::vector<label::Qualifier> Walk::qualifiers(const Element& e) {
  std::vector<label::Qualifier> all;
  for (const Element& holder : e.children) {
    if (holder.space != Space::Own || holder.name != "markingQualifier") continue;
    check_attributes(holder, {"markingCode"});
    check_children(holder, {{.name = "qualifier", .least = 1}});
    std::optional<Codes> places;
    if (const std::string* code = attribute(holder, "markingCode"))
      places = static_cast<Codes>(codes(holder, *code).value_or(0) & label::kAllPlaces);
    for (const Element& child : holder.children) {
      if (child.space != Space::Own || child.name != "qualifier") continue;
      check_attributes(child, {"markingQualifier", "qualifierCode"});
      check_children(child, {});
      const std::string code = name(child, "qualifierCode");
      label::Qualifier qualifier{.text = text(child, "markingQualifier"), .lang = child.lang, .places = places};
      if (code == "suffix")
        qualifier.code = label::QualifierCode::Suffix;
      else if (code == "separator")
        qualifier.code = label::QualifierCode::Separator;
      else if (code != "prefix")
        mistake(child, "qualifierCode can't be " + quoted(code), "write prefix, suffix or separator");
      all.push_back(std::move(qualifier));
    }
  }
  return all;
}

label::Markings Walk::markings(const Element& e) {
  label::Markings markings{.data = {}, .qualifiers = qualifiers(e)};
  for (const Element& child : e.children)
    if (child.space == Space::Own && child.name == "markingData") markings.data.push_back(marking_data(child));
  return markings;
}

}  // namespace sallyport::policy::source::spif
