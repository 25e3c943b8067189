#include <algorithm>
#include <map>
#include <utility>

#include "policy/label/marking.h"
#include "policy/source/spif/loader.h"

namespace sallyport::policy::source::spif {
namespace {

using label::InfoEncoding;
using label::TagKind;

bool is_bitmap(const label::Tag& tag) {
  return tag.kind == TagKind::RestrictiveBits || tag.kind == TagKind::PermissiveBits ||
         (tag.kind == TagKind::Informative && tag.encoding == InfoEncoding::BitSet);
}

/// Whether it is a number at all: else it is a text that users type.
bool is_integer(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::vector<const Element*> children(const Element& e, std::string_view name) {
  std::vector<const Element*> found;
  for (const Element& each : e.children)
    if (each.space == Space::Own && each.name == name) found.push_back(&each);
  return found;
}

const Element* child(const Element& e, std::string_view name) {
  const auto found = children(e, name);
  return found.empty() ? nullptr : found.front();
}

label::Spif Loader::run(const Element& root) {
  if (!is_supported(root)) return {};
  read_root(root);
  read_equivalent_policies(root);
  read_classes(root);
  read_tag_sets(root);
  read_privacy_marks(root);
  check_unique();
  read_class_rules();
  read_category_rules();
  read_equivalence_rules();
  if (walk_.mistakes().empty()) warn();
  return std::move(spif_);
}

bool Loader::is_supported(const Element& root) {
  if (root.space != Space::Own || root.name != "SPIF") {
    walk_.mistake(root,
                  "the root element is not a SPIF" + (root.ns.empty() ? "" : ": its namespace is " + quoted(root.ns)),
                  "a SPIF starts with <SPIF xmlns=\"" + std::string(kNamespace) + "\">");
    return false;
  }
  const std::string version = walk_.name(root, "schemaVersion");
  if (version == "1.0" || version == "2.0" || version == "2.1") return true;
  if (!version.empty())
    walk_.mistake(root, "schemaVersion " + quoted(version) + " is not supported", "ask the issuer for 1.0, 2.0 or 2.1");
  return false;
}

void Loader::read_root(const Element& root) {
  walk_.check_attributes(root, {"schemaVersion", "version", "creationDate", "originatorDN", "keyIdentifier",
                                "privilegeId", "rbacId", "userRefURI", "docRefURI", "notBefore", "notAfter"});
  walk_.check_children(root, {{"defaultSecurityPolicyId", 0, 1},
                              {"securityPolicyId", 1, 1},
                              {"updateInfo", 0, 1},
                              {"securityClassifications", 1, 1},
                              {"securityCategoryTagSets", 0, 1},
                              {"privacyMarks", 0, 1},
                              {"equivalentPolicies", 0, 1},
                              {"markingData"},
                              {"markingQualifier"},
                              {"extensions", 0, 1}});
  walk_.name(root, "creationDate");
  walk_.name(root, "originatorDN");
  walk_.name(root, "keyIdentifier");
  spif_.version = walk_.number(root, "version", UINT32_MAX - 1, false).value_or(1);
  spif_.privilege_id = walk_.oid(root, "privilegeId").value_or(label::Oid());
  spif_.rbac_id = walk_.oid(root, "rbacId").value_or(label::Oid());
  spif_.period = walk_.period(root);
  spif_.markings = walk_.markings(root);
  const auto policy_id = [this](const Element& e) {
    walk_.check_attributes(e, {"name", "id"});
    walk_.check_children(e, {{"markingData"}, {"markingQualifier"}});
    return std::pair(walk_.name(e, "name"), walk_.oid(e, "id").value_or(label::Oid()));
  };
  if (const Element* e = child(root, "defaultSecurityPolicyId")) policy_id(*e);
  if (const Element* e = child(root, "securityPolicyId")) {
    std::tie(spif_.name, spif_.id) = policy_id(*e);
    spif_.id_markings = walk_.markings(*e);
  }
}

void Loader::read_equivalent_policies(const Element& root) {
  const Element* holder = child(root, "equivalentPolicies");
  if (holder == nullptr) return;
  walk_.check_attributes(*holder, {});
  walk_.check_children(*holder, {{"equivalentPolicy", 1}});
  Unique<std::string> names(walk_, "this name of an equivalent policy");
  Unique<label::Oid> ids(walk_, "this identifier of an equivalent policy");
  for (const Element* e : children(*holder, "equivalentPolicy")) {
    walk_.check_attributes(*e, {"name", "id", "userRefURI", "docRefURI"});
    walk_.check_children(*e, {{"requiredCategory"}});
    label::EquivalentPolicy policy{
        .name = walk_.name(*e, "name"), .id = walk_.oid(*e, "id").value_or(label::Oid()), .required = {}};
    if (!policy.name.empty()) names.add(*e, policy.name);
    if (!policy.id.empty()) ids.add(*e, policy.id);
    if (policy.id == spif_.id && !policy.id.empty())
      walk_.mistake(*e, "the policy is said to be equivalent to itself", "take this entry away");
    spif_.equivalent_policies.push_back(std::move(policy));
    equivalent_policies_.push_back(e);
  }
}

void Loader::read_classes(const Element& root) {
  const Element* holder = child(root, "securityClassifications");
  if (holder == nullptr) return;
  walk_.check_attributes(*holder, {"name"});
  walk_.check_children(*holder, {{"securityClassification", 1}, {"markingData"}, {"markingQualifier"}});
  spif_.class_markings = walk_.markings(*holder);
  for (const Element* e : children(*holder, "securityClassification")) {
    walk_.check_attributes(*e, {"name", "lacv", "hierarchy", "color", "obsolete"});
    walk_.check_children(*e,
                         {{"equivalentClassification"}, {"markingData"}, {"markingQualifier"}, {"requiredCategory"}});
    label::Class added;
    added.name = walk_.name(*e, "name");
    added.lacv = walk_.number(*e, "lacv", label::kLargestLacv, true).value_or(0);
    added.rank = walk_.number(*e, "hierarchy", label::kLargestLacv, true).value_or(0);
    added.colour = walk_.text(*e, "color");
    if (!added.colour.empty() && !label::is_colour(added.colour))
      walk_.mistake(*e, "unknown color " + quoted(added.colour), "write #RRGGBB, or a name like red, navy or silver");
    added.obsolete = walk_.flag(*e, "obsolete");
    added.markings = walk_.markings(*e);
    spif_.classes.push_back(std::move(added));
    classes_.push_back(e);
  }
}

void Loader::read_tag_sets(const Element& root) {
  const Element* holder = child(root, "securityCategoryTagSets");
  if (holder == nullptr) return;
  walk_.check_attributes(*holder, {});
  walk_.check_children(*holder, {{"securityCategoryTagSet", 1}});
  for (const Element* e : children(*holder, "securityCategoryTagSet")) {
    walk_.check_attributes(*e, {"name", "id"});
    walk_.check_children(*e, {{"securityCategoryTag", 1}, {"equivalentSecurityCategoryTagSet"}});
    const auto number = static_cast<std::uint32_t>(spif_.tag_sets.size());
    spif_.tag_sets.push_back(
        {.name = walk_.name(*e, "name"), .id = walk_.oid(*e, "id").value_or(label::Oid()), .equivalents = {}});
    tag_sets_.push_back(e);
    for (const Element* tag : children(*e, "securityCategoryTag")) read_tag(*tag, number);
  }
}

void Loader::read_tag(const Element& e, std::uint32_t set) {
  walk_.check_attributes(
      e, {"name", "tagType", "enumType", "tag7Encoding", "singleSelection", "maxSelection", "minSelection"});
  walk_.check_children(e, {{"tagCategory"}, {"markingQualifier"}});
  label::Tag tag;
  tag.name = walk_.text(e, "name");
  if (tag.name.empty()) tag.name = spif_.tag_sets[set].name;
  tag.tag_set = set;
  tag.single = walk_.flag(e, "singleSelection");
  tag.min = walk_.selection(e, "minSelection");
  tag.max = walk_.selection(e, "maxSelection");
  tag.qualifiers = walk_.qualifiers(e);
  const auto kind = walk_.kind(e);
  if (kind) tag.kind = kind->kind;
  check_tag(e, tag);
  const std::string* encoding = Walk::attribute(e, "tag7Encoding");
  tag.encoding =
      encoding != nullptr && *encoding == "securityAttributes" ? InfoEncoding::Attributes : InfoEncoding::BitSet;
  const bool applicable = kind && kind->applicable;
  if (applicable) spif_.tags.push_back(std::move(tag));
  for (const Element* category : children(e, "tagCategory")) read_category(*category, applicable);
}

void Loader::check_tag(const Element& e, const label::Tag& tag) {
  if (tag.min && tag.max && *tag.min > *tag.max)
    walk_.mistake(e, "minSelection is more than maxSelection in the tag " + quoted(tag.name),
                  "no label could satisfy both; mend one of the two");
  const std::string* encoding = Walk::attribute(e, "tag7Encoding");
  if (encoding != nullptr && *encoding != "bitSetAttributes" && *encoding != "securityAttributes")
    walk_.mistake(e, "tag7Encoding can't be " + quoted(*encoding), "write bitSetAttributes or securityAttributes");
  if (const std::string* type = Walk::attribute(e, "tagType"); type != nullptr && *type == "tagType7" && !encoding)
    walk_.warning(e, "the informative tag " + quoted(tag.name) + " has no tag7Encoding; it is read as bitSetAttributes",
                  "add tag7Encoding");
}

void Loader::read_category(const Element& e, bool applicable) {
  walk_.check_attributes(
      e, {"name", "lacv", "userInput", "dateFormat", "requiredClass", "obsolete", "notBefore", "notAfter"});
  walk_.check_children(e, {{"equivalentSecCategoryTag"},
                           {"markingData"},
                           {"markingQualifier"},
                           {"excludedClass"},
                           {"requiredCategory"},
                           {"excludedCategory"}});
  label::Category category;
  category.name = walk_.name(e, "name");
  category.obsolete = walk_.flag(e, "obsolete");
  category.period = walk_.period(e);
  category.markings = walk_.markings(e);
  if (!applicable) return;
  const std::string* lacv = Walk::attribute(e, "lacv");
  if (Walk::attribute(e, "userInput") != nullptr || (lacv != nullptr && !is_integer(trimmed(*lacv)))) {
    walk_.warning(e, "users type the value of the category " + quoted(category.name) + "; no label format carries it",
                  "labels with it are refused");
    return;
  }
  label::Tag& tag = spif_.tags.back();
  category.lacv = walk_.number(e, "lacv", is_bitmap(tag) ? label::kLargestBit : label::kLargestLacv, true).value_or(0);
  categories_.push_back({.element = &e, .tag = spif_.tags.size() - 1, .place = tag.categories.size()});
  tag.categories.push_back(std::move(category));
  if (categories_.size() == label::kMostSpifCategories + 1)
    walk_.mistake(e, "there are more than 100000 categories", "");
}

void Loader::read_privacy_marks(const Element& root) {
  const Element* holder = child(root, "privacyMarks");
  if (holder == nullptr) return;
  walk_.check_attributes(*holder, {"maxSelection", "minSelection"});
  walk_.check_children(*holder, {{"privacyMark", 1}, {"markingData"}, {"markingQualifier"}});
  spif_.privacy_marks_max = walk_.selection(*holder, "maxSelection");
  walk_.selection(*holder, "minSelection");
  for (const Element* e : children(*holder, "privacyMark")) {
    walk_.check_attributes(*e, {"name", "obsolete"});
    walk_.check_children(*e, {{"markingData"}, {"markingQualifier"}});
    spif_.privacy_marks.push_back({.name = walk_.name(*e, "name"), .obsolete = walk_.flag(*e, "obsolete")});
  }
}

void Loader::check_unique() {
  Unique<std::string> class_names(walk_, "this name of a classification");
  Unique<std::uint32_t> lacvs(walk_, "this lacv of a classification");
  Unique<std::uint32_t> ranks(walk_, "this hierarchy of a classification");
  Unique<std::string> colours(walk_, "this color of a classification");
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    const label::Class& each = spif_.classes[i];
    if (!each.name.empty()) class_names.add(*classes_[i], each.name);
    if (Walk::attribute(*classes_[i], "lacv")) lacvs.add(*classes_[i], each.lacv);
    if (Walk::attribute(*classes_[i], "hierarchy")) ranks.add(*classes_[i], each.rank);
    if (!each.colour.empty()) colours.add(*classes_[i], each.colour);
  }
  Unique<std::string> set_names(walk_, "this name of a tag set");
  Unique<label::Oid> set_ids(walk_, "this id of a tag set");
  for (std::size_t i = 0; i < tag_sets_.size(); ++i) {
    if (!spif_.tag_sets[i].name.empty()) set_names.add(*tag_sets_[i], spif_.tag_sets[i].name);
    if (!spif_.tag_sets[i].id.empty()) set_ids.add(*tag_sets_[i], spif_.tag_sets[i].id);
  }
  using InTag = std::pair<std::uint32_t, TagKind>;
  Unique<std::pair<InTag, std::string>> names(walk_, "this name of a category");
  Unique<std::pair<InTag, label::Lacv>> values(walk_, "this lacv of a category of one tag set and kind");
  std::map<std::uint32_t, InfoEncoding> encodings;
  for (const CategoryAt& at : categories_) {
    const label::Tag& tag = spif_.tags[at.tag];
    const label::Category& each = tag.categories[at.place];
    if (!each.name.empty()) names.add(*at.element, {{tag.tag_set, tag.kind}, each.name});
    values.add(*at.element, {{tag.tag_set, tag.kind}, each.lacv});
  }
  for (const label::Tag& tag : spif_.tags)
    if (tag.kind == TagKind::Informative &&
        encodings.try_emplace(tag.tag_set, tag.encoding).first->second != tag.encoding)
      walk_.mistake(*tag_sets_[tag.tag_set], "the informative tags of this tag set have two encodings",
                    "give them one tag7Encoding");
}

std::expected<Loaded, std::vector<Mistake>> load(std::string_view xml, const std::string& file, Reading how) {
  const auto root = parse(xml, file);
  if (!root) return std::unexpected(std::vector{root.error()});
  Loader loader(file, how);
  Loaded loaded{.spif = loader.run(*root), .file = file, .warnings = {}, .leads = {}};
  const auto by_place = [](const Mistake& m) { return std::tie(m.line, m.what); };
  std::ranges::sort(loader.walk().mistakes(), {}, by_place);
  std::ranges::sort(loader.walk().warnings(), {}, by_place);
  if (!loader.walk().mistakes().empty()) return std::unexpected(std::move(loader.walk().mistakes()));
  loaded.warnings = std::move(loader.walk().warnings());
  loaded.leads = std::move(loader.leads());
  if (auto policy = label::Policy::make(loaded.spif); !policy)
    return std::unexpected(std::vector{Mistake{file, 0, 0, std::move(policy.error()), ""}});
  return loaded;
}

}  // namespace sallyport::policy::source::spif
