// Proofs about label policies as large as they are: many nations, each partner cleared for its own, projects, caveats.
#include <algorithm>

#include <gtest/gtest.h>

#include "policy/proof/prove.h"

namespace sallyport::policy::proof {
namespace {

using label::CatKey;
using label::TagKind;

constexpr label::Time kSummer{std::chrono::sys_days(std::chrono::year(2026) / 6 / 1)};
constexpr std::size_t kPartners = 20, kNations = 150, kProjects = 40;

label::Oid oid(const std::string& text) {
  return *label::Oid::of_text(text);
}

struct Values {
  label::Oid set;
  TagKind kind;
  CatKey key(std::size_t number) const { return {set, kind, static_cast<label::Lacv>(number)}; }
  std::vector<CatKey> all(std::size_t count) const {
    std::vector<CatKey> keys;
    for (std::size_t i = 0; i < count; ++i) keys.push_back(key(i));
    return keys;
  }
};

/// A security policy, its arcs below 2.999.`number`. SECRET needs a nation or NOFORN, which excludes every nation.
class LargePolicy {
 public:
  explicit LargePolicy(const std::string& number)
      : root_("2.999." + number),
        nations{.set = oid(root_ + ".1"), .kind = TagKind::PermissiveEnum},
        caveats{.set = oid(root_ + ".2"), .kind = TagKind::RestrictiveEnum},
        projects{.set = oid(root_ + ".3"), .kind = TagKind::RestrictiveBits} {
    spif.name = "P" + number;
    spif.id = oid(root_);
    spif.rbac_id = spif.privilege_id = oid("2.16.840.1.101.2.1.8.3");
    for (const char* name : {"OPEN", "RESTRICTED", "CONFIDENTIAL", "SECRET", "TOP SECRET"}) {
      label::Class added;
      added.name = name;
      added.lacv = static_cast<label::Lacv>(spif.classes.size());
      added.rank = added.lacv * 10;
      spif.classes.push_back(std::move(added));
    }
    add("Releasable", "N", nations, kNations);
    add("Caveats", "NOFORN", caveats, 1);
    add("Projects", "P", projects, kProjects);
    label::Category& noforn = spif.tags[1].categories.front();
    label::Require either{.operation = label::Operation::OneOrMore, .items = {ref(caveats, 0)}};
    for (std::size_t i = 0; i < kNations; ++i) {
      noforn.excluded.push_back(ref(nations, i));
      either.items.push_back(ref(nations, i));
    }
    for (std::size_t i = 3; i < 5; ++i) spif.classes[i].required.push_back(either);
  }

  /// All becomes its like.
  void translate_to(const LargePolicy& other) {
    spif.equivalent_policies.push_back({.name = other.spif.name, .id = other.spif.id, .required = {}});
    for (label::Class& each : spif.classes)
      each.equivalents.push_back({.policy = 0, .lacv = each.lacv, .required = {}});
    const Values* targets[] = {&other.nations, &other.caveats, &other.projects};
    for (std::size_t t = 0; t < spif.tags.size(); ++t)
      for (label::Category& each : spif.tags[t].categories)
        each.equivalents.push_back({.policy = 0, .target = targets[t]->key(each.lacv)});
  }

  label::Clearance clearance(std::size_t classes, const std::vector<CatKey>& its_nations,
                             const std::vector<CatKey>& its_projects) const {
    label::Clearance made;
    made.policy = spif.id;
    for (std::size_t i = 0; i < classes; ++i) made.classes.push_back(spif.classes[i].lacv);
    made.categories = its_nations;
    made.categories.insert(made.categories.end(), its_projects.begin(), its_projects.end());
    made.categories.push_back(caveats.key(0));
    made.settle();
    return made;
  }

 private:
  std::string root_;

 public:
  Values nations, caveats, projects;
  label::Spif spif;

 private:
  void add(const std::string& tag, const std::string& prefix, const Values& values, std::size_t count) {
    label::TagSet set;
    set.name = tag;
    set.id = values.set;
    label::Tag added;
    added.name = tag;
    added.tag_set = static_cast<std::uint32_t>(spif.tag_sets.size());
    added.kind = values.kind;
    for (std::size_t i = 0; i < count; ++i) {
      label::Category category;
      category.lacv = static_cast<label::Lacv>(i);
      category.name = count == 1 ? prefix : prefix + std::to_string(i);
      added.categories.push_back(std::move(category));
    }
    spif.tag_sets.push_back(std::move(set));
    spif.tags.push_back(std::move(added));
  }

  static label::CatRef ref(const Values& values, std::size_t number) {
    return {.tag_set = values.set, .kind = values.kind, .lacv = static_cast<label::Lacv>(number)};
  }
};

/// To each partner goes what is released to its nation, but for its own project; partner n is not cleared for project
/// n + 20. Where there are two policies, partners have the second.
Bundle coalition(bool two_policies) {
  LargePolicy home("1"), partner("2");
  if (two_policies) home.translate_to(partner);
  const LargePolicy& far = two_policies ? partner : home;
  const auto far_number = static_cast<std::uint16_t>(two_policies ? 1 : 0);
  Tables tables;
  tables.name = "coalition";
  tables.settings.stages_off = 0b1110100;  // payload, presence, content, rate
  tables.enclaves = {{.name = "coalition", .revocation = {}, .withdrawn = {}},
                     {.name = "home", .revocation = {}, .withdrawn = {}}};
  LabelTables& labels = tables.labels;
  labels.policies.push_back({.name = "p1", .spif = home.spif, .options = {}, .lang = ""});
  if (two_policies) {
    labels.policies.push_back({.name = "p2", .spif = partner.spif, .options = {}, .lang = ""});
    labels.translations = {{.from = 0, .to = 1, .reverse = false}};
  }
  labels.clearances = {
      {"home", 0, home.clearance(5, home.nations.all(kNations), home.projects.all(kProjects))},
      {"coalition", far_number, far.clearance(4, far.nations.all(kNations), far.projects.all(kProjects))}};
  labels.enclaves.resize(2);
  labels.enclaves[0] = {.policy = far_number, .clearances = {1}, .label = {}, .first_lines = {}};
  labels.enclaves[1] = {.policy = 0, .clearances = {0}, .label = {}, .first_lines = {}};
  tables.domains.push_back({"z.home.test", 1, 0});
  tables.peerings.emplace_back();
  tables.peerings.back().id = "partners";
  tables.peerings.back().message = true;
  for (std::uint16_t n = 0; n < kPartners; ++n) {
    const std::string name = std::string(1, static_cast<char>('a' + n)) + ".partner.test";
    tables.domains.push_back({name, 0, static_cast<std::uint16_t>(n + 1)});
  }
  std::ranges::sort(tables.domains, {}, &Domain::name);
  for (std::uint16_t i = 0; i < tables.domains.size(); ++i) tables.domains[i].home = i;
  const auto home_domain = static_cast<std::uint16_t>(kPartners);
  for (std::uint16_t n = 0; n < kPartners; ++n) {
    tables.routes.push_back({n, home_domain, 0});
    std::vector<CatKey> its_projects = far.projects.all(kProjects);
    std::erase(its_projects, far.projects.key(n + 20U));
    const auto number = static_cast<std::uint16_t>(labels.clearances.size());
    labels.clearances.push_back(
        {"partner" + std::to_string(n), far_number, far.clearance(4, {far.nations.key(n)}, its_projects)});
    labels.holders.push_back({.address = tables.domains[n].name, .clearances = {number}, .label = {}, .carrier = {}});
    Rule rule;
    rule.id = "to-" + std::to_string(n);
    rule.text = "What is released to the nation.";
    rule.from.any = true;
    rule.to.domains = {n};
    rule.stanzas = kAllStanzaTypes;
    LabelMatch match;
    for (const label::Class& each : home.spif.classes) match.classes.push_back(each.lacv);
    match.any_of = {home.nations.key(n)};
    match.none_of = {home.projects.key(n)};
    rule.label = {std::move(match)};
    rule.action = Action::Release;
    tables.rules.push_back(std::move(rule));
  }
  for (std::uint16_t n = 0; n < kPartners; ++n) tables.routes.push_back({home_domain, n, 0});
  std::ranges::sort(tables.routes, {}, [](const Route& route) { return std::pair(route.from, route.to); });
  auto bundle = Bundle::make(std::move(tables));
  if (!bundle) throw std::runtime_error(bundle.error().what);
  return std::move(*bundle);
}

TEST(LargePolicy, IsDecidedThoughItsLabelsAreBeyondCounting) {
  const std::pair<const char*, const char*> rows[] = {
      {"nothing without p1/Releasable:N3 crosses to d.partner.test", "holds"},
      {"nothing with p1/Projects:P3 crosses to d.partner.test", "holds"},   // the rule
      {"nothing with p1/Projects:P23 crosses to d.partner.test", "holds"},  // the clearance
      {"nothing with p1/Projects:P4 crosses to d.partner.test", "fails"},
      {"nothing above SECRET crosses to enclave:coalition", "holds"},
      {"nothing above CONFIDENTIAL crosses to enclave:coalition", "fails"},
      {"nothing with p1/Caveats:NOFORN crosses to enclave:coalition", "holds"},  // it excludes what rules ask for
      {"something of SECRET with p1/Releasable:N3 and with p1/Releasable:N140 and with p1/Projects:P4 and with "
       "p1/Projects:P39 crosses to d.partner.test",
       "holds"},
  };
  for (const bool two_policies : {false, true}) {
    const Bundle bundle = coalition(two_policies);
    for (const auto& [text, outcome] : rows) {
      const auto claim = read_claim(text, bundle);
      ASSERT_TRUE(claim) << claim.error();
      const Proof proof = prove(*claim, bundle, {.time = kSummer});
      EXPECT_EQ(name(proof.outcome), outcome) << text << " " << proof.why;
      EXPECT_LT(proof.labels, 1000U) << text;
      if (proof.example) EXPECT_EQ(code(proof.example->reason), "policy.granted") << proof.example->stanza;
    }
  }
}

}  // namespace
}  // namespace sallyport::policy::proof
