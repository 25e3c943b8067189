#include "policy/label/policy.h"

#include <algorithm>
#include <set>

#include <unicode/unistr.h>

#include "inspect/utf8.h"
#include "policy/label/consistent.h"

namespace sallyport::policy::label {
namespace {

/// MISSI: labels carry one category of this type (labels.md 3.3).
constexpr std::string_view kMissiLabels = "\x60\x86\x48\x01\x65\x02\x01\x08\x01";
/// ACP-145: the category types are arcs of it (labels.md 3.2).
constexpr std::string_view kAcp145 = "\x60\x86\x48\x01\x65\x02\x01\x08\x03";

template <class Key>
std::optional<Number> find(const std::vector<std::pair<Key, Number>>& sorted, const Key& key) {
  const auto at = std::ranges::lower_bound(sorted, key, {}, &std::pair<Key, Number>::first);
  if (at == sorted.end() || at->first != key) return std::nullopt;
  return at->second;
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string collapsed(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (!is_space(c))
      out.push_back(c);
    else if (!out.empty() && out.back() != ' ')
      out.push_back(' ');
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

}  // namespace

std::string folded(std::string_view name) {
  const std::string in = collapsed(name);
  if (!inspect::is_clean_text(in)) return {};
  auto text = icu::UnicodeString::fromUTF8(icu::StringPiece(in.data(), static_cast<std::int32_t>(in.size())));
  std::string out;
  text.foldCase().toUTF8String(out);
  return out;
}

std::expected<Policy, std::string> Policy::make(Spif spif) {
  if (auto why = inconsistency(spif)) return std::unexpected(std::move(*why));
  Policy policy;
  policy.spif_ = std::move(spif);
  for (Number i = 0; i < policy.spif_.classes.size(); ++i)
    policy.classes_.emplace_back(policy.spif_.classes[i].lacv, i);
  std::ranges::sort(policy.classes_);
  for (Number i = 0; i < policy.spif_.tag_sets.size(); ++i)
    policy.tag_sets_.emplace_back(policy.spif_.tag_sets[i].id, i);
  std::ranges::sort(policy.tag_sets_);
  policy.index_categories();
  policy.index_names();
  policy.index_times();
  return policy;
}

void Policy::index_categories() {
  std::set<std::pair<Number, TagKind>> enumerated;
  for (Number t = 0; t < spif_.tags.size(); ++t) {
    const Tag& tag = spif_.tags[t];
    first_of_tag_.push_back(static_cast<CatNumber>(places_.size()));
    for (Number c = 0; c < tag.categories.size(); ++c) {
      keys_.emplace_back(CatKey{spif_.tag_sets[tag.tag_set].id, tag.kind, tag.categories[c].lacv},
                         static_cast<CatNumber>(places_.size()));
      places_.push_back({t, c});
    }
    enumerated.emplace(tag.tag_set, tag.kind);
  }
  std::ranges::sort(keys_);
  for (Number s = 0; s < spif_.tag_sets.size(); ++s)
    if (enumerated.contains({s, TagKind::RestrictiveEnum}) && enumerated.contains({s, TagKind::PermissiveEnum}))
      missi_ambiguous_ = true;
}

void Policy::index_names() {
  for (Number i = 0; i < spif_.classes.size(); ++i) class_names_.emplace_back(folded(spif_.classes[i].name), i);
  for (Number i = 0; i < spif_.tag_sets.size(); ++i) tag_set_names_.emplace_back(folded(spif_.tag_sets[i].name), i);
  for (CatNumber i = 0; i < places_.size(); ++i) {
    const Tag& tag = tag_at(tag_of(i));
    category_names_.push_back({tag.tag_set, type_of(tag.kind), folded(category_at(i).name), i});
  }
  std::ranges::sort(class_names_);
  std::ranges::sort(tag_set_names_);
  std::ranges::sort(category_names_, {}, &CatName::key);
  const auto first = [](const auto& entry) -> const std::string& { return entry.first; };
  case_ambiguous_ = std::ranges::adjacent_find(class_names_, {}, first) != class_names_.end() ||
                    std::ranges::adjacent_find(tag_set_names_, {}, first) != tag_set_names_.end();
  for (std::size_t i = 1; i < category_names_.size() && !case_ambiguous_; ++i) {
    const CatName &one = category_names_[i - 1], &other = category_names_[i];
    // One name in both kinds of a Type is another matter: that value alone cannot be told apart.
    case_ambiguous_ = one.key() == other.key() && category_at(one.number).name != category_at(other.number).name;
  }
}

void Policy::index_times() {
  const auto add = [this](const Period& period) {
    if (period.not_before) turns_.push_back(*period.not_before);
    if (period.not_after) turns_.push_back(*period.not_after + 1);
  };
  add(spif_.period);
  for (const Tag& tag : spif_.tags)
    for (const Category& category : tag.categories) add(category.period);
  std::ranges::sort(turns_);
}

std::optional<Number> Policy::class_number(Lacv lacv) const {
  return find(classes_, lacv);
}

std::optional<Number> Policy::tag_set_number(const Oid& id) const {
  return find(tag_sets_, id);
}

std::optional<CatNumber> Policy::category_number(const CatKey& key) const {
  return find(keys_, key);
}

std::optional<Number> Policy::class_named(std::string_view name, NameCase how) const {
  std::optional<Number> found;
  const auto same = std::ranges::equal_range(class_names_, folded(name), {}, [](const auto& n) { return n.first; });
  for (const auto& [text, number] : same) {
    if (how == NameCase::Exact && spif_.classes[number].name != collapsed(name)) continue;
    if (found) return std::nullopt;
    found = number;
  }
  return found;
}

std::optional<Number> Policy::tag_set_named(std::string_view name, NameCase how) const {
  std::optional<Number> found;
  const auto same = std::ranges::equal_range(tag_set_names_, folded(name), {}, [](const auto& n) { return n.first; });
  for (const auto& [text, number] : same) {
    if (how == NameCase::Exact && spif_.tag_sets[number].name != collapsed(name)) continue;
    if (found) return std::nullopt;
    found = number;
  }
  return found;
}

std::optional<CatNumber> Policy::category_named(Number tag_set, CatType type, std::string_view name,
                                                NameCase how) const {
  const std::string wanted = folded(name);
  std::optional<CatNumber> found;
  const auto same =
      std::ranges::equal_range(category_names_, std::tuple(tag_set, type, std::string_view(wanted)), {}, &CatName::key);
  for (const CatName& each : same) {
    if (how == NameCase::Exact && category_at(each.number).name != collapsed(name)) continue;
    if (found) return std::nullopt;
    found = each.number;
  }
  return found;
}

bool Policy::has_kind(Number tag_set, TagKind kind) const {
  return std::ranges::any_of(spif_.tags, [&](const Tag& tag) { return tag.tag_set == tag_set && tag.kind == kind; });
}

std::optional<TagKind> Policy::kind_of(Number tag_set, CatType type) const {
  std::optional<TagKind> found;
  for (const Tag& tag : spif_.tags) {
    if (tag.tag_set != tag_set || type_of(tag.kind) != type || found == tag.kind) continue;
    if (found) return std::nullopt;
    found = tag.kind;
  }
  return found;
}

CatKey Policy::key(CatNumber number) const {
  const Tag& tag = tag_at(tag_of(number));
  return {spif_.tag_sets[tag.tag_set].id, tag.kind, category_at(number).lacv};
}

std::vector<CatNumber> Policy::expand(const CatRef& ref) const {
  std::vector<CatNumber> numbers;
  if (ref.lacv) {
    if (const auto number = category_number({ref.tag_set, ref.kind, *ref.lacv})) numbers.push_back(*number);
    return numbers;
  }
  const auto set = tag_set_number(ref.tag_set);
  if (!set) return numbers;
  for (Number t = 0; t < spif_.tags.size(); ++t) {
    if (spif_.tags[t].tag_set != *set || spif_.tags[t].kind != ref.kind) continue;
    for (Number c = 0; c < spif_.tags[t].categories.size(); ++c) numbers.push_back(first_of_tag_[t] + c);
  }
  return numbers;
}

bool Policy::admits(Format format) const {
  const std::string& rbac = spif_.rbac_id.content();
  switch (format) {
    case Format::Made:
      return true;
    case Format::Ess:
      return rbac.starts_with(kAcp145);
    case Format::Missi:
      return rbac == kMissiLabels && !missi_ambiguous_;
    case Format::Stanag4774:
      return !case_ambiguous_;
  }
  return false;
}

SteadySpan Policy::steady(Time now) const {
  SteadySpan span;
  const auto next = std::ranges::upper_bound(turns_, now.time_since_epoch().count());
  if (next != turns_.end()) span.until = Time(std::chrono::milliseconds(*next));
  if (next != turns_.begin()) span.since = Time(std::chrono::milliseconds(*(next - 1)));
  return span;
}

}  // namespace sallyport::policy::label
