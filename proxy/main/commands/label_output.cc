#include "proxy/main/commands/label_output.h"

#include <algorithm>
#include <utility>

#include "audit/line_writer.h"
#include "inspect/names.h"
#include "inspect/serializer.h"
#include "policy/label/decide.h"
#include "policy/label/marking.h"
#include "policy/label/named_values.h"
#include "proxy/main/commands/json.h"

namespace sallyport::commands {

namespace {

namespace label = policy::label;
using label::class_name;
using label::Format;
using label::NamedValue;
using label::values_of;

/// What somebody else wrote, in quotes and with nothing in it that steers a terminal.
std::string told(std::string_view text) {
  std::string out;
  audit::append_text(text, out);
  return out;
}

const label::Policy* policy_of(const FoundLabel& found, const policy::LabelRules& rules) {
  return found.policy ? &rules.policy(*found.policy) : nullptr;
}

Format format_of(LabelForm form, const LabelWriting& how, const label::Policy& policy) {
  switch (form) {
    case LabelForm::Ess:
    case LabelForm::EssBinary:
      return Format::Ess;
    case LabelForm::Missi:
    case LabelForm::MissiBinary:
      return Format::Missi;
    case LabelForm::Stanag4774:
      return Format::Stanag4774;
    case LabelForm::Xep0258:
    case LabelForm::Marking:
      break;
  }
  if (how.inner) return *how.inner;
  for (const Format format : {Format::Ess, Format::Missi})
    if (policy.admits(format)) return format;
  return Format::Stanag4774;
}

std::string_view name(Format format) {
  switch (format) {
    case Format::Ess:
      return "ESS";
    case Format::Missi:
      return "ESS with MISSI categories";
    case Format::Stanag4774:
      return "STANAG 4774";
    case Format::Made:
      break;
  }
  return "";
}

inspect::Node* element_of(const FoundLabel& found, Format format, const policy::LabelRules& rules,
                          const LabelView& view, inspect::Arena& arena) {
  const label::Policy& policy = rules.policy(policy_of_or_end(found));
  const bool has_categories = !found.read.label.categories.empty();
  if (has_categories && !policy.admits(format)) return nullptr;
  const auto created =
      found.read.created == label::Seconds() ? std::chrono::floor<std::chrono::seconds>(view.now) : found.read.created;
  return label::encode_label(found.read.label, format, label::LabelRole::Originator, created, policy, rules.lexicon(),
                             arena);
}

}  // namespace

const std::map<std::string, LabelForm>& label_forms() {
  static const std::map<std::string, LabelForm> kForms = {
      {"ess", LabelForm::Ess},
      {"ess-binary", LabelForm::EssBinary},
      {"missi", LabelForm::Missi},
      {"missi-binary", LabelForm::MissiBinary},
      {"stanag4774", LabelForm::Stanag4774},
      {"xep0258", LabelForm::Xep0258},
      {"marking", LabelForm::Marking},
  };
  return kForms;
}

Shown shown(const FoundLabel& found, const policy::LabelRules& rules, const LabelView& view) {
  if (!found.policy) return {};
  const label::Policy& policy = rules.policy(*found.policy);
  const policy::LabelPolicy& row = rules.row(*found.policy);
  const auto resolved = label::validate(policy, found.read.label, view.now, row.options);
  if (!resolved) return {.validity = resolved.error().text(), .marking = {}, .background = {}, .foreground = {}};
  Shown made{.validity = "valid", .marking = {}, .background = {}, .foreground = {}};
  made.marking = label::marking(policy, *resolved, view.place.value_or(row.place), view.lang.value_or(row.lang),
                                row.options, found.read.label.privacy_marks)
                     .value_or("");
  if (const auto colours = label::colours(policy.class_at(resolved->classification))) {
    made.background = colours->background;
    made.foreground = colours->foreground;
  }
  return made;
}

std::string plain_of(const FoundLabel& found, const policy::LabelRules& rules, const LabelView& view) {
  std::string out;
  const auto line = [&out](std::string key, const std::string& value) {
    key.resize(std::max<std::size_t>(key.size() + 1, 15), ' ');
    out += key + value + "\n";
  };
  const label::Policy* policy = policy_of(found, rules);
  const label::Label& read = found.read.label;
  line(found.role, found.where + ": " + found.encoding);
  const std::string oid = read.policy.empty() ? "none" : read.policy.text();
  line("policy", policy ? policy->spif().name + " (" + oid + ")" : oid + (read.policy.empty() ? "" : " (not at hand)"));
  const std::string number = read.classification ? std::to_string(*read.classification) : "none";
  const std::string name = class_name(policy, read);
  line("classification", name.empty() ? number : name + " (" + number + ")");
  for (const NamedValue& value : values_of(policy, read))
    line("value", value.tag + ": " +
                      (value.lacv ? value.value + (value.value == std::to_string(*value.lacv)
                                                       ? ""
                                                       : " (" + std::to_string(*value.lacv) + ")")
                                  : "none at all"));
  for (const std::string& mark : read.privacy_marks) line("privacy mark", told(mark));
  if (found.read.created != label::Seconds()) line("created", label::write_date_time(found.read.created));
  const Shown how = shown(found, rules, view);
  line("valid", how.validity.empty() ? "not known without its policy" : how.is_valid() ? "yes" : "no: " + how.validity);
  if (how.is_valid()) line("marking", how.marking);
  if (!how.background.empty()) line("colours", how.foreground + " on " + how.background);
  if (found.displayed && *found.displayed != how.marking) line("displayed", told(*found.displayed));
  return out;
}

std::string json_of(const FoundLabel& found, const policy::LabelRules& rules, const LabelView& view) {
  const label::Policy* policy = policy_of(found, rules);
  const label::Label& read = found.read.label;
  const Shown how = shown(found, rules, view);
  std::string out = "{\"where\":" + json_string(found.where) + ",\"role\":" + json_string(found.role) +
                    ",\"encoding\":" + json_string(found.encoding) +
                    ",\"policy\":{\"id\":" + json_string(read.policy.text()) +
                    ",\"name\":" + json_string(policy ? policy->spif().name : "") + "}";
  if (read.classification)
    out += ",\"classification\":{\"lacv\":" + std::to_string(*read.classification) +
           ",\"name\":" + json_string(class_name(policy, read)) + "}";
  out += ",\"values\":[";
  const char* separator = "";
  for (const NamedValue& value : values_of(policy, read)) {
    out += separator + ("{\"tag\":" + json_string(value.tag)) + ",\"tag_set\":" + json_string(value.oid) +
           ",\"kind\":" + json_string(label::name(value.kind)) + ",\"name\":" + json_string(value.value);
    if (value.lacv) out += ",\"lacv\":" + std::to_string(*value.lacv);
    out += "}";
    separator = ",";
  }
  out += "],\"privacy_marks\":[";
  separator = "";
  for (const std::string& mark : read.privacy_marks) {
    out += separator + told(mark);
    separator = ",";
  }
  out += "]";
  if (found.read.created != label::Seconds())
    out += ",\"created\":" + json_string(label::write_date_time(found.read.created));
  if (found.policy) out += std::string(",\"valid\":") + (how.is_valid() ? "true" : "false");
  if (found.policy && !how.is_valid()) out += ",\"fault\":" + json_string(how.validity);
  if (how.is_valid()) out += ",\"marking\":" + json_string(how.marking);
  if (!how.background.empty())
    out += ",\"background\":" + json_string(how.background) + ",\"foreground\":" + json_string(how.foreground);
  if (found.displayed) out += ",\"displayed\":" + told(*found.displayed);
  return out + "}";
}

inspect::Node* security_label(const FoundLabel& found, const LabelWriting& how, const policy::LabelRules& rules,
                              const LabelView& view, inspect::Arena& arena) {
  const Format format = format_of(LabelForm::Xep0258, how, rules.policy(policy_of_or_end(found)));
  inspect::Node* inner = element_of(found, format, rules, view, arena);
  if (!inner) return nullptr;
  const Shown seen = shown(found, rules, view);
  std::optional<label::DisplayMarking> marking;
  if (!seen.marking.empty())
    marking = label::DisplayMarking{.text = arena.copy(seen.marking),
                                    .foreground = arena.copy(seen.foreground),
                                    .background = arena.copy(seen.background)};
  return label::write_security_label(marking, inner, {}, arena);
}

std::expected<std::string, std::string> write_label(const FoundLabel& found, const LabelWriting& how,
                                                    const policy::LabelRules& rules, const LabelView& view) {
  if (how.form == LabelForm::Marking) {
    const Shown seen = shown(found, rules, view);
    if (seen.marking.empty()) return std::unexpected("the label has no marking");
    return seen.marking;
  }
  inspect::Arena arena;
  const label::Policy& policy = rules.policy(policy_of_or_end(found));
  const Format format = format_of(how.form, how, policy);
  const bool in_element = how.form == LabelForm::Xep0258;
  const inspect::Node* made =
      in_element ? security_label(found, how, rules, view, arena) : element_of(found, format, rules, view, arena);
  if (!made)
    return std::unexpected(std::string(name(format)) + " has no place for this label" +
                           (policy.admits(format) ? "" : ": the SPIF of " + policy.spif().name + " does not admit it"));
  if (in_element || format == Format::Stanag4774) {
    std::string xml;
    inspect::serialize(*made, inspect::ns::kServer, xml);
    return xml;
  }
  std::string text(made->text_content());
  if (how.form == LabelForm::Ess || how.form == LabelForm::Missi) return text;
  return label::octets_of_text(text).value_or("");
}

}  // namespace sallyport::commands
