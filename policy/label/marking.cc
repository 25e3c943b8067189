#include "policy/label/marking.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>
#include <vector>

#include "policy/label/marking_composer.h"

namespace sallyport::policy::label {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_language(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other, {}, lower, lower);
}

/// Those in the language; else those in its primary part; else those without a language.
template <class Entry>
std::vector<const Entry*> pick(const std::vector<Entry>& entries, std::string_view lang) {
  for (const std::string_view wanted : {lang, lang.substr(0, lang.find('-')), std::string_view()}) {
    std::vector<const Entry*> found;
    for (const Entry& entry : entries)
      if (same_language(entry.lang, wanted)) found.push_back(&entry);
    if (!found.empty()) return found;
  }
  return {};
}

std::string join(const std::vector<std::string>& parts, std::string_view between) {
  std::string out;
  for (const std::string& part : parts) {
    if (part.empty()) continue;
    if (!out.empty()) out += between;
    out += part;
  }
  return out;
}

struct Named {
  std::string_view name;
  std::uint32_t rgb;
};
/// The names of the SPIF schema, which spells the fourth in its own way; the right spelling is read too.
constexpr std::array<Named, 17> kColours = {{{"aqua", 0x00FFFF},
                                             {"black", 0x000000},
                                             {"blue", 0x0000FF},
                                             {"fuschia", 0xFF00FF},
                                             {"fuchsia", 0xFF00FF},
                                             {"gray", 0x808080},
                                             {"green", 0x008000},
                                             {"lime", 0x00FF00},
                                             {"maroon", 0x800000},
                                             {"navy", 0x000080},
                                             {"olive", 0x808000},
                                             {"purple", 0x800080},
                                             {"red", 0xFF0000},
                                             {"silver", 0xC0C0C0},
                                             {"teal", 0x008080},
                                             {"white", 0xFFFFFF},
                                             {"yellow", 0xFFFF00}}};

std::optional<std::uint32_t> rgb(std::string_view text) {
  const auto named = std::ranges::find(kColours, text, &Named::name);
  if (named != kColours.end()) return named->rgb;
  if (text.size() != 7 || text.front() != '#') return std::nullopt;
  std::uint32_t value = 0;
  const auto [end, fault] = std::from_chars(text.data() + 1, text.data() + text.size(), value, 16);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

/// C0, DEL and C1 (in UTF-8: C2 80 to C2 9F).
bool has_control(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octet = static_cast<unsigned char>(text[i]);
    if (octet < 0x20 || octet == 0x7F) return true;
    if (octet == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) return true;
  }
  return false;
}

}  // namespace

std::string MarkingComposer::compose(const Resolved& label, const std::vector<std::string>& privacy_marks) const {
  const Spif& spif = policy_.spif();
  std::vector<std::string> parts;
  parts.push_back(policy_text(label));
  if (!is_class_suppressed(label)) parts.push_back(class_text(label.classification));
  for (Number t = 0; t < spif.tags.size(); ++t) parts.push_back(tag_text(label, t));
  if (options_.mark_privacy) parts.insert(parts.end(), privacy_marks.begin(), privacy_marks.end());
  return wrapped(spif.markings.qualifiers, join(parts, frame().separator));
}

std::string MarkingComposer::policy_text(const Resolved& label) const {
  const Spif& spif = policy_.spif();
  const Class& own = policy_.class_at(label.classification);
  if (auto found = replacement(spif.name, spif.markings)) return std::move(*found);
  if (auto found = replacement(spif.name, spif.id_markings)) return std::move(*found);
  if (auto found = replacement(own.name, own.markings)) return std::move(*found);
  for (const CatNumber number : label.categories) {
    const Category& category = policy_.category_at(number);
    if (auto found = replacement(category.name, category.markings)) return std::move(*found);
  }
  return text(spif.name, spif.id_markings);
}

std::string MarkingComposer::class_text(Number classification) const {
  const Class& own = policy_.class_at(classification);
  return wrapped(policy_.spif().class_markings.qualifiers, text(own.name, own.markings));
}

std::string MarkingComposer::value_text(CatNumber number) const {
  const Category& category = policy_.category_at(number);
  return wrapped(category.markings.qualifiers, text(category.name, category.markings));
}

std::string MarkingComposer::tag_text(const Resolved& label, Number number) const {
  std::vector<std::string> values;
  for (const CatNumber each : label.of_tag(policy_, number)) values.push_back(value_text(each));
  return wrapped(policy_.tag_at(number).qualifiers, join(values, frame_of_tag(number).separator));
}

MarkingComposer::Frame MarkingComposer::frame(const std::vector<Qualifier>& qualifiers,
                                              std::string_view separator) const {
  return {.prefix = qualifier(qualifiers, QualifierCode::Prefix, ""),
          .suffix = qualifier(qualifiers, QualifierCode::Suffix, ""),
          .separator = qualifier(qualifiers, QualifierCode::Separator, separator)};
}

bool MarkingComposer::applies(const MarkingData& data) const {
  const Codes places = data.codes & kAllPlaces;
  if (places == 0) return !options_.codeless_at_bottom_only || place_ == code(Place::PageBottom);
  return (places & place_) != 0;
}

std::string MarkingComposer::text(const std::string& name, const Markings& markings) const {
  for (const MarkingData* data : pick(markings.data, lang_)) {
    if (!applies(*data)) continue;
    std::string shown = (data->codes & kNoNameDisplay) != 0 ? std::string() : name;
    if ((data->codes & (kReplacePolicy | kNoMarkingDisplay)) != 0 || !data->phrase) return shown;
    if (options_.name_beside_phrase && !shown.empty()) return shown + ' ' + *data->phrase;
    return *data->phrase;
  }
  return name;
}

std::string_view MarkingComposer::qualifier(const std::vector<Qualifier>& qualifiers, QualifierCode wanted,
                                            std::string_view fallback) const {
  const Qualifier* found = nullptr;
  for (const std::string_view lang : {lang_, lang_.substr(0, lang_.find('-')), std::string_view()}) {
    for (const Qualifier& each : qualifiers)
      if (!found && each.code == wanted && (!each.places || (*each.places & place_) != 0) &&
          same_language(each.lang, lang))
        found = &each;
  }
  return found ? std::string_view(found->text) : fallback;
}

/// Prefix and suffix stand around what there is; around nothing there is nothing.
std::string MarkingComposer::wrapped(const std::vector<Qualifier>& qualifiers, const std::string& inner) const {
  if (inner.empty()) return {};
  const Frame around = frame(qualifiers, "");
  return std::string(around.prefix) + inner + std::string(around.suffix);
}

std::optional<std::string> MarkingComposer::replacement(const std::string& name, const Markings& markings) const {
  for (const MarkingData* data : pick(markings.data, lang_))
    if (applies(*data) && (data->codes & kReplacePolicy) != 0) return data->phrase.value_or(name);
  return std::nullopt;
}

bool MarkingComposer::suppresses(const Markings& markings) const {
  return std::ranges::any_of(pick(markings.data, lang_), [this](const MarkingData* data) {
    return applies(*data) && (data->codes & kSuppressClassName) != 0;
  });
}

bool MarkingComposer::is_class_suppressed(const Resolved& label) const {
  return suppresses(policy_.class_at(label.classification).markings) ||
         std::ranges::any_of(label.categories,
                             [this](CatNumber number) { return suppresses(policy_.category_at(number).markings); });
}

std::optional<std::string> marking(const Policy& policy, const Resolved& label, Place place, std::string_view lang,
                                   const Options& options, const std::vector<std::string>& privacy_marks) {
  std::string text = MarkingComposer(policy, place, lang, options).compose(label, privacy_marks);
  if (characters(text) > kLongestMarking || has_control(text)) return std::nullopt;
  return text;
}

std::optional<Colours> colours(const Class& classification) {
  const auto value = rgb(classification.colour);
  if (!value) return std::nullopt;
  // Weights of labels.md 7, in thousandths.
  const std::uint32_t luminance = 299 * (*value >> 16) + 587 * (*value >> 8 & 0xFFU) + 114 * (*value & 0xFFU);
  return Colours{.background = classification.colour, .foreground = luminance < 128'000 ? "white" : "black"};
}

bool is_colour(std::string_view text) {
  return rgb(text).has_value();
}

}  // namespace sallyport::policy::label
