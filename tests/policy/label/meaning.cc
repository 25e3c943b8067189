#include "tests/policy/label/meaning.h"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace sallyport::policy::label::testing {
namespace {

constexpr std::string_view kAcme = "2.999.258.1";
constexpr std::string_view kNordia = "2.999.258.2";

struct ClassRow {
  std::string_view policy, name;
  Lacv lacv;
};
constexpr std::array kClasses = {
    ClassRow{"ACME", "PUBLIC", 1},    ClassRow{"ACME", "INTERNAL", 2},   ClassRow{"ACME", "CONFIDENTIAL", 3},
    ClassRow{"ACME", "SECRET", 4},    ClassRow{"ACME", "LEGACY", 6},     ClassRow{"ACME", "TOP SECRET", 5},
    ClassRow{"NORDIA", "OPEN", 10},   ClassRow{"NORDIA", "LIMITED", 20}, ClassRow{"NORDIA", "GUARDED", 30},
    ClassRow{"NORDIA", "SEALED", 40},
};

struct CategoryRow {
  std::string_view name, tag_set;
  TagKind kind;
  Lacv lacv;
};
constexpr std::array kCategories = {
    CategoryRow{"Projects:ALPHA", "2.999.258.1.1", TagKind::RestrictiveBits, 1},
    CategoryRow{"Projects:BRAVO", "2.999.258.1.1", TagKind::RestrictiveBits, 2},
    CategoryRow{"Projects:OLDTIMER", "2.999.258.1.1", TagKind::RestrictiveBits, 3},
    CategoryRow{"Projects:CHARLIE", "2.999.258.1.1", TagKind::RestrictiveBits, 9},
    CategoryRow{"Releasable To:UK", "2.999.258.1.2", TagKind::PermissiveEnum, 826},
    CategoryRow{"Releasable To:FR", "2.999.258.1.2", TagKind::PermissiveEnum, 250},
    CategoryRow{"Releasable To:DE", "2.999.258.1.2", TagKind::PermissiveEnum, 276},
    CategoryRow{"Releasable To:NO", "2.999.258.1.2", TagKind::PermissiveEnum, 578},
    CategoryRow{"Releasable To:ACME-FAMILY", "2.999.258.1.2", TagKind::PermissiveEnum, 9000},
    CategoryRow{"Handling:EYES-A", "2.999.258.1.3", TagKind::RestrictiveEnum, 100},
    CategoryRow{"Handling:EYES-B", "2.999.258.1.3", TagKind::RestrictiveEnum, 200},
    CategoryRow{"Function:OPS", "2.999.258.1.4", TagKind::PermissiveBits, 0},
    CategoryRow{"Function:LOG", "2.999.258.1.4", TagKind::PermissiveBits, 1},
    CategoryRow{"Function:MED", "2.999.258.1.4", TagKind::PermissiveBits, 2},
    CategoryRow{"Region:NORTH", "2.999.258.1.4", TagKind::PermissiveBits, 8},
    CategoryRow{"Region:SOUTH", "2.999.258.1.4", TagKind::PermissiveBits, 9},
    CategoryRow{"Administrative:STAFF", "2.999.258.1.5", TagKind::Informative, 1},
    CategoryRow{"Administrative:PERSONAL", "2.999.258.1.5", TagKind::Informative, 2},
    CategoryRow{"Retention:KEEP-1Y", "2.999.258.1.6", TagKind::Informative, 1},
    CategoryRow{"Retention:KEEP-7Y", "2.999.258.1.6", TagKind::Informative, 7},
    CategoryRow{"Release:UK", "2.999.258.2.1", TagKind::PermissiveEnum, 826},
    CategoryRow{"Release:FR", "2.999.258.2.1", TagKind::PermissiveEnum, 250},
    CategoryRow{"Release:NO", "2.999.258.2.1", TagKind::PermissiveEnum, 578},
    CategoryRow{"Release:SE", "2.999.258.2.1", TagKind::PermissiveEnum, 752},
    CategoryRow{"Compartments:C4", "2.999.258.2.2", TagKind::RestrictiveBits, 4},
    CategoryRow{"Compartments:C5", "2.999.258.2.2", TagKind::RestrictiveBits, 5},
    CategoryRow{"Compartments:C6", "2.999.258.2.2", TagKind::RestrictiveBits, 6},
    CategoryRow{"Units:U-OPS", "2.999.258.2.3", TagKind::PermissiveBits, 0},
    CategoryRow{"Units:U-LOG", "2.999.258.2.3", TagKind::PermissiveBits, 1},
    CategoryRow{"Notes:PERS", "2.999.258.2.4", TagKind::Informative, 3},
    CategoryRow{"Origin:ACME", "2.999.258.2.5", TagKind::Informative, 1},
};

constexpr std::string_view kNotInSpif = " (not in the SPIF)";

Oid oid(std::string_view text) {
  const auto made = Oid::of_text(text);
  if (!made) throw std::runtime_error("no identifier: " + std::string(text));
  return *made;
}

Oid policy_oid(std::string_view name) {
  return oid(name == "ACME" ? kAcme : name == "NORDIA" ? kNordia : name);
}

std::vector<std::string> split(std::string_view text, std::string_view at) {
  std::vector<std::string> parts;
  for (std::size_t found = text.find(at); found != std::string_view::npos; found = text.find(at)) {
    parts.emplace_back(text.substr(0, found));
    text.remove_prefix(found + at.size());
  }
  parts.emplace_back(text);
  return parts;
}

Lacv class_lacv(std::string_view policy, std::string_view name) {
  if (name.starts_with("lacv ")) return static_cast<Lacv>(std::stoul(std::string(name.substr(5))));
  for (const ClassRow& row : kClasses)
    if (row.policy == policy && row.name == name) return row.lacv;
  throw std::runtime_error("no class: " + std::string(name));
}

TagKind kind_of(std::string_view word) {
  if (word == "restrictive") return TagKind::RestrictiveBits;
  if (word == "permissive") return TagKind::PermissiveBits;
  if (word == "enumPermissive") return TagKind::PermissiveEnum;
  throw std::runtime_error("no kind: " + std::string(word));
}

CatKey category(std::string_view words) {
  for (const CategoryRow& row : kCategories)
    if (row.name == words) return {oid(row.tag_set), row.kind, row.lacv};
  // "2.999.258.1.99 restrictive 1"
  const auto parts = split(words, " ");
  if (parts.size() != 3) throw std::runtime_error("no category: " + std::string(words));
  return {oid(parts[0]), kind_of(parts[1]), static_cast<Lacv>(std::stoul(parts[2]))};
}

std::string without_remark(std::string text) {
  for (std::size_t at = text.find(kNotInSpif); at != std::string::npos; at = text.find(kNotInSpif))
    text.erase(at, kNotInSpif.size());
  return text;
}

}  // namespace

Label label_of(const std::string& meaning) {
  const auto parts = split(without_remark(meaning), " + ");
  const std::size_t space = parts[0].find(' ');
  const std::string policy = parts[0].substr(0, space);
  const std::string name = parts[0].substr(space + 1);
  Label label;
  label.policy = policy_oid(policy);
  if (name != "(no classification)") label.classification = class_lacv(policy, name);
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::string& part = parts[i];
    if (part.starts_with("privacy mark ")) {
      label.privacy_marks.push_back(part.substr(13));
    } else if (part.starts_with("empty ")) {  // "empty restrictive element for 2.999.258.1.1"
      const auto words = split(part, " ");
      label.empty.push_back({oid(words.at(4)), kind_of(words.at(1))});
    } else {
      label.categories.push_back(category(part));
    }
  }
  label.settle();
  return label;
}

Clearance clearance_of(const std::string& meaning) {
  std::string text = without_remark(meaning.substr(0, meaning.find("  [")));
  const std::size_t open = text.find('{'), close = text.find('}');
  const std::string policy = text.substr(0, open - 1);
  Clearance clearance;
  clearance.policy = policy_oid(policy);
  for (const std::string& name : split(text.substr(open + 1, close - open - 1), ","))
    if (name != "none") clearance.classes.push_back(class_lacv(policy, name));
  const auto parts = split(text.substr(close + 1), " + ");
  for (std::size_t i = 1; i < parts.size(); ++i) clearance.categories.push_back(category(parts[i]));
  clearance.settle();
  return clearance;
}

const TagSetFacts& sample_facts() {
  static const TagSetFacts kFacts = {
      .enumerated_kind = [](const Oid&, const Oid& tag_set) -> std::optional<TagKind> {
        for (const CategoryRow& row : kCategories)
          if (oid(row.tag_set) == tag_set &&
              (row.kind == TagKind::PermissiveEnum || row.kind == TagKind::RestrictiveEnum))
            return row.kind;
        return std::nullopt;
      },
      .informative_bits = [](const Oid&, const Oid& tag_set) { return tag_set.text() == "2.999.258.1.5"; },
  };
  return kFacts;
}

}  // namespace sallyport::policy::label::testing
