#include "policy/label/categories.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <utility>

namespace sallyport::policy::label {
namespace {

constexpr std::size_t kMostSecurityCategories = 64;   // RFC 2634: ub-security-categories
constexpr std::size_t kMostEnumeratedValues = 4'096;  // of one element (labels.md 15)
constexpr std::size_t kMostBits = kLargestBit + 1;

// 2.16.840.1.101.2.1.8.1 (MISSI), .2 (SSLPrivileges), .3.n (ACP-145).
constexpr std::string_view kMissi = "\x60\x86\x48\x01\x65\x02\x01\x08\x01";
constexpr std::string_view kSslPrivileges = "\x60\x86\x48\x01\x65\x02\x01\x08\x02";
constexpr std::string_view kAcp145 = "\x60\x86\x48\x01\x65\x02\x01\x08\x03";

/// By the last arc of the type.
constexpr std::array kAcp145Kinds = {TagKind::RestrictiveBits, TagKind::PermissiveEnum, TagKind::PermissiveBits,
                                     TagKind::Informative, TagKind::RestrictiveEnum};

std::optional<TagKind> acp145_kind(std::string_view type) {
  if (!type.starts_with(kAcp145) || type.size() != kAcp145.size() + 1) return std::nullopt;
  const auto arc = static_cast<std::uint8_t>(type.back());
  return arc < kAcp145Kinds.size() ? std::optional(kAcp145Kinds[arc]) : std::nullopt;
}

std::string acp145_type(TagKind kind) {
  const auto arc = std::ranges::find(kAcp145Kinds, kind) - kAcp145Kinds.begin();
  return std::string(kAcp145) + static_cast<char>(arc);
}

bool is_bits(TagKind kind) {
  return kind == TagKind::RestrictiveBits || kind == TagKind::PermissiveBits;
}
bool is_enumerated(TagKind kind) {
  return kind == TagKind::RestrictiveEnum || kind == TagKind::PermissiveEnum;
}

/// Reads one list of categories and collects what is in it.
class CategoryReader {
 public:
  CategoryReader(ber::Reader members, const CategoryHolder& holder) : members_(members), holder_(holder) {}

  std::expected<Categories, Misreading> run() {
    std::size_t count = 0;
    std::string_view before;
    while (!members_.at_end()) {
      const ber::Element member = members_.next(ber::kSequence);
      members_.require(++count <= kMostSecurityCategories && (!members_.is_der() || before <= member.whole));
      before = member.whole;
      if (members_.ok()) read_category(members_.inside(member));
    }
    members_.require(count > 0);
    const bool of_both_syntaxes = missi_ > 0 && (missi_ > 1 || count > 1);
    std::ranges::sort(tags_);
    members_.require(!of_both_syntaxes && std::ranges::adjacent_find(tags_) == tags_.end());
    if (misreading_) return std::unexpected(*misreading_);
    if (!members_.ok()) return std::unexpected(Misreading::Malformed);
    return std::move(found_);
  }

 private:
  void fail(Misreading misreading) {
    if (members_.ok() && !misreading_) misreading_ = misreading;
    members_.require(false);
  }

  void read_category(ber::Reader category) {
    const std::string_view type = category.next(ber::primitive(0)).content;
    category.require(Oid::of_content(type).has_value());
    const ber::Element value = category.next(ber::constructed(1));
    category.end();
    if (!category.ok()) return;
    ber::Reader inside = category.inside(value);
    if (const auto kind = acp145_kind(type)) return read_acp145(*kind, inside);
    if (type == kMissi && !holder_.is_clearance) return read_tag_sets(inside, &CategoryReader::read_missi_tag);
    if (type == kSslPrivileges && holder_.is_clearance) return read_tag_sets(inside, &CategoryReader::read_ssl_tag);
    fail(Misreading::UnknownCategorySyntax);
  }

  Oid read_tag_set(ber::Reader& from) {
    const auto oid = Oid::of_content(from.next(ber::kOid).content);
    from.require(oid.has_value());
    return oid.value_or(Oid());
  }

  void read_acp145(TagKind kind, ber::Reader value) {
    const ber::Element sequence = value.only(ber::kSequence);
    ber::Reader inside = value.inside(sequence);
    const TagKey tag{read_tag_set(inside), kind};
    const ber::Element list = inside.next();
    inside.end();
    if (list.tag == ber::kBitString && !is_enumerated(kind)) return take_bits(tag, inside, list.content);
    inside.require(list.tag == ber::kSet && !is_bits(kind));
    take_integers(tag, inside, list);
  }

  /// MISSI and SSLPrivileges: SET OF SEQUENCE { tagSetName, SEQUENCE OF tag }.
  void read_tag_sets(ber::Reader value, void (CategoryReader::*read_tag)(const Oid&, ber::Reader&)) {
    ++missi_;
    ber::Reader sets = value.inside(value.only(ber::kSet));
    sets.require(!sets.at_end());
    std::string_view before;
    while (!sets.at_end()) {
      const ber::Element named = sets.next(ber::kSequence);
      sets.require(!sets.is_der() || before <= named.whole);
      before = named.whole;
      ber::Reader inside = sets.inside(named);
      const Oid tag_set = read_tag_set(inside);
      ber::Reader tags = inside.inside(inside.only(ber::kSequence));
      tags.require(!tags.at_end());
      while (!tags.at_end()) (this->*read_tag)(tag_set, tags);
    }
  }

  TagKind enumerated_kind(const Oid& tag_set) {
    const auto kind =
        holder_.facts.enumerated_kind ? holder_.facts.enumerated_kind(holder_.policy, tag_set) : std::nullopt;
    if (!kind) fail(Misreading::UnknownTagSet);
    return kind.value_or(TagKind::RestrictiveEnum);
  }

  void read_missi_tag(const Oid& tag_set, ber::Reader& tags) {
    const ber::Element element = tags.next();
    ber::Reader tag = tags.inside(element);
    ber::Element list = tag.next();
    const bool informative = element.tag == ber::constructed(7);
    if (list.tag == ber::kInteger && !informative) {
      const auto level = ber::read_integer(list.content, kLargestLacv);
      tag.require(level.has_value() && level == holder_.classification);
      list = tag.next();
    }
    tag.end();
    const bool bits = list.tag == ber::kBitString;
    const bool integers = list.tag == ber::kSet;
    if (element.tag == ber::constructed(1) && bits)
      return take_bits({tag_set, TagKind::RestrictiveBits}, tag, list.content);
    if (element.tag == ber::constructed(6) && bits)
      return take_bits({tag_set, TagKind::PermissiveBits}, tag, list.content);
    if (informative && bits) return take_bits({tag_set, TagKind::Informative}, tag, list.content);
    if (informative && integers) return take_integers({tag_set, TagKind::Informative}, tag, list);
    if (element.tag == ber::constructed(2) && integers && tag.ok())
      return take_integers({tag_set, enumerated_kind(tag_set)}, tag, list);
    fail(Misreading::Malformed);
  }

  void read_ssl_tag(const Oid& tag_set, ber::Reader& tags) {
    const ber::Element list = tags.next();
    if (list.tag == ber::primitive(1)) return take_bits({tag_set, TagKind::RestrictiveBits}, tags, list.content);
    if (list.tag == ber::primitive(6)) return take_bits({tag_set, TagKind::PermissiveBits}, tags, list.content);
    if (list.tag == ber::constructed(2) && tags.ok())
      return take_integers({tag_set, enumerated_kind(tag_set)}, tags, list);
    fail(Misreading::Malformed);
  }

  void take_bits(TagKey tag, ber::Reader& from, std::string_view content) {
    const auto bits = ber::read_bits(content, kMostBits);
    from.require(bits.has_value());
    if (bits) take(std::move(tag), from, *bits);
  }

  void take_integers(TagKey tag, ber::Reader& from, const ber::Element& set) {
    std::vector<Lacv> values;
    ber::Reader members = from.inside(set);
    std::string_view before;
    while (!members.at_end()) {
      const ber::Element member = members.next(ber::kInteger);
      const auto value = ber::read_integer(member.content, kLargestLacv);
      members.require(value.has_value() && values.size() < kMostEnumeratedValues &&
                      (!members.is_der() || before <= member.whole));
      before = member.whole;
      if (value) values.push_back(*value);
    }
    take(std::move(tag), from, values);
  }

  void take(TagKey tag, ber::Reader& from, const std::vector<Lacv>& values) {
    from.require(found_.values.size() + values.size() <= kMostCategories);
    if (!from.ok()) return;
    if (values.empty()) found_.empty.push_back(tag);
    for (const Lacv lacv : values) found_.values.push_back({tag.tag_set, tag.kind, lacv});
    tags_.push_back(std::move(tag));
  }

  ber::Reader members_;
  const CategoryHolder& holder_;
  Categories found_;
  std::vector<TagKey> tags_;
  std::size_t missi_ = 0;
  std::optional<Misreading> misreading_;
};

/// The values of each tag, in the order of the tags; none for a tag that is empty.
using ByTag = std::map<TagKey, std::vector<Lacv>>;

ByTag by_tag(const Categories& categories) {
  ByTag tags;
  for (const TagKey& tag : categories.empty) tags[tag];
  for (const CatKey& category : categories.values) tags[{category.tag_set, category.kind}].push_back(category.lacv);
  return tags;
}

/// The list of values alone. nullopt if they do not fit.
std::optional<std::string> write_list(const TagKey& tag, const std::vector<Lacv>& values,
                                      const CategoryHolder& holder) {
  const bool bits = is_bits(tag.kind) || (tag.kind == TagKind::Informative && holder.facts.informative_bits &&
                                          holder.facts.informative_bits(holder.policy, tag.tag_set));
  if (bits) {
    if (!values.empty() && values.back() > kLargestBit) return std::nullopt;
    return ber::write_bits(ber::kBitString, values);
  }
  if (values.size() > kMostEnumeratedValues) return std::nullopt;
  std::vector<std::string> members;
  members.reserve(values.size());
  for (const Lacv lacv : values) members.push_back(ber::write_integer(lacv));
  return ber::write_set(ber::kSet, std::move(members));
}

std::string security_category(std::string_view type, std::string_view value) {
  return ber::write(ber::kSequence, ber::write(ber::primitive(0), type) + ber::write(ber::constructed(1), value));
}

std::optional<std::string> write_acp145(const ByTag& tags, const CategoryHolder& holder) {
  if (tags.size() > kMostSecurityCategories) return std::nullopt;
  std::vector<std::string> members;
  for (const auto& [tag, values] : tags) {
    const auto list = write_list(tag, values, holder);
    if (!list) return std::nullopt;
    const std::string value = ber::write(ber::kSequence, ber::write(ber::kOid, tag.tag_set.content()) + *list);
    members.push_back(security_category(acp145_type(tag.kind), value));
  }
  return ber::write_set(ber::kSet, std::move(members));
}

unsigned missi_number(TagKind kind) {
  switch (kind) {
    case TagKind::RestrictiveBits:
      return 1;
    case TagKind::RestrictiveEnum:
    case TagKind::PermissiveEnum:
      return 2;
    case TagKind::PermissiveBits:
      return 6;
    case TagKind::Informative:
      break;
  }
  return 7;
}

std::optional<std::string> write_missi(const ByTag& tags, const CategoryHolder& holder) {
  std::map<Oid, std::map<unsigned, std::string>> sets;
  for (const auto& [tag, values] : tags) {
    if (is_enumerated(tag.kind) &&
        (!holder.facts.enumerated_kind || holder.facts.enumerated_kind(holder.policy, tag.tag_set) != tag.kind))
      return std::nullopt;
    const auto list = write_list(tag, values, holder);
    if (!list) return std::nullopt;
    const unsigned number = missi_number(tag.kind);
    sets[tag.tag_set][number] = ber::write(ber::constructed(number), *list);
  }
  std::vector<std::string> members;
  for (const auto& [tag_set, by_number] : sets) {
    std::string of_set;
    for (const auto& [number, written] : by_number) of_set += written;
    members.push_back(
        ber::write(ber::kSequence, ber::write(ber::kOid, tag_set.content()) + ber::write(ber::kSequence, of_set)));
  }
  return ber::write_set(ber::kSet, {security_category(kMissi, ber::write_set(ber::kSet, std::move(members)))});
}

}  // namespace

std::expected<Categories, Misreading> read_categories(ber::Reader members, const CategoryHolder& holder) {
  return CategoryReader(members, holder).run();
}

std::optional<std::string> write_categories(const Categories& categories, CategorySyntax syntax,
                                            const CategoryHolder& holder) {
  const ByTag tags = by_tag(categories);
  if (tags.empty()) return std::string();
  return syntax == CategorySyntax::Acp145 ? write_acp145(tags, holder) : write_missi(tags, holder);
}

}  // namespace sallyport::policy::label
