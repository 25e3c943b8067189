#include "tests/policy/proof/random_boundary.h"

#include <algorithm>
#include <stdexcept>

#include "inspect/mechanism.h"
#include "inspect/names.h"

namespace sallyport::policy::testing {
namespace {

using label::CatKey;
using label::Spif;
using label::TagKind;

constexpr std::size_t kKinds = static_cast<std::size_t>(label::kLastTagKind) + 1;

template <class T>
const T& one_of(Chance& chance, const std::vector<T>& all) {
  return all[chance.below(static_cast<std::uint32_t>(all.size()))];
}

CatKey key(const Spif& spif, const label::Tag& tag, const label::Category& category) {
  return {spif.tag_sets[tag.tag_set].id, tag.kind, category.lacv};
}

std::vector<CatKey> keys(const Spif& spif) {
  std::vector<CatKey> all;
  for (const label::Tag& tag : spif.tags)
    for (const label::Category& category : tag.categories) all.push_back(key(spif, tag, category));
  return all;
}

/// Every key with one chance in `rarity`, sorted.
std::vector<CatKey> some_keys(Chance& chance, const std::vector<CatKey>& all, std::uint32_t rarity) {
  std::vector<CatKey> some;
  for (const CatKey& each : all)
    if (chance.once_in(rarity)) some.push_back(each);
  std::ranges::sort(some);
  return some;
}

label::CatRef some_ref(Chance& chance, const Spif& spif) {
  const label::Tag& tag = one_of(chance, spif.tags);
  label::CatRef ref{.tag_set = spif.tag_sets[tag.tag_set].id, .kind = tag.kind, .lacv = {}};
  if (!chance.once_in(3)) ref.lacv = one_of(chance, tag.categories).lacv;
  return ref;
}

label::Require some_requirement(Chance& chance, const Spif& spif) {
  label::Require require{.operation = static_cast<label::Operation>(chance.below(3)), .items = {}};
  for (std::uint32_t i = 0; i <= chance.below(2); ++i) require.items.push_back(some_ref(chance, spif));
  return require;
}

void add_rules(Chance& chance, Spif& spif) {
  for (label::Class& each : spif.classes)
    if (chance.once_in(5)) each.required.push_back(some_requirement(chance, spif));
  for (label::Tag& tag : spif.tags) {
    if (chance.once_in(8)) tag.single = true;
    if (chance.once_in(8)) tag.max = 1;
    if (chance.once_in(8) && !tag.single && !tag.max) tag.min = 2;
    for (label::Category& each : tag.categories) {
      if (chance.once_in(8)) each.required.push_back(some_requirement(chance, spif));
      if (chance.once_in(8)) each.excluded.push_back(some_ref(chance, spif));
      if (chance.once_in(8)) each.excluded_classes.push_back(spif.classes.front().lacv);
      if (chance.once_in(12)) each.required_class = spif.classes.back().lacv;
    }
  }
}

/// Three classes, and a tag of every kind with one or two values; of some policies one tag has four.
Spif some_spif(Chance& chance, std::uint32_t number) {
  const std::string root = "2.999." + std::to_string(number);
  Spif spif;
  spif.name = "P" + std::to_string(number);
  spif.id = *label::Oid::of_text(root);
  spif.rbac_id = spif.privilege_id = *label::Oid::of_text("2.16.840.1.101.2.1.8.3");
  for (std::uint32_t i = 0; i < 3; ++i) {
    label::Class added;
    added.name = "K" + std::to_string(number) + std::to_string(i);
    added.lacv = (i * 7 + 3) % 11;  // lacv is no rank
    added.rank = 10 * i + chance.below(9);
    spif.classes.push_back(std::move(added));
  }
  std::uint32_t lacv = 0;
  const std::size_t large = chance.below(3 * kKinds);
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    label::TagSet set;
    set.name = "S" + std::to_string(kind);
    set.id = *label::Oid::of_text(root + "." + std::to_string(kind + 1));
    spif.tag_sets.push_back(std::move(set));
    label::Tag tag;
    tag.name = "T" + std::to_string(number) + std::to_string(kind);
    tag.tag_set = static_cast<std::uint32_t>(kind);
    tag.kind = static_cast<TagKind>(kind);
    const std::uint32_t values = kind == large ? 4 : lacv < 7 ? 1 + chance.below(2) : 1;
    for (std::uint32_t i = 0; i < values; ++i) {
      label::Category category;
      category.lacv = lacv++;
      category.name = "V" + std::to_string(category.lacv);
      tag.categories.push_back(std::move(category));
    }
    spif.tags.push_back(std::move(tag));
  }
  add_rules(chance, spif);
  return spif;
}

/// How labels of `spif` become labels of `other`, with gaps.
void add_equivalents(Chance& chance, Spif& spif, const Spif& other) {
  spif.equivalent_policies.push_back({.name = other.name, .id = other.id, .required = {}});
  for (label::Class& each : spif.classes)
    if (!chance.once_in(5))
      each.equivalents.push_back({.policy = 0, .lacv = one_of(chance, other.classes).lacv, .required = {}});
  const std::vector<CatKey> targets = keys(other);
  for (label::Tag& tag : spif.tags)
    for (label::Category& each : tag.categories) {
      if (chance.once_in(4)) continue;
      label::CatEquivalent equivalent;
      if (!chance.once_in(8)) equivalent.target = one_of(chance, targets);
      if (chance.once_in(8)) equivalent.applied = label::Applied::Decrypt;
      each.equivalents.push_back(equivalent);
    }
}

label::Clearance some_clearance(Chance& chance, const Spif& spif, std::uint32_t rarity) {
  label::Clearance clearance;
  clearance.policy = spif.id;
  for (const label::Class& each : spif.classes)
    if (!chance.once_in(rarity)) clearance.classes.push_back(each.lacv);
  for (const CatKey& each : keys(spif))
    if (!chance.once_in(rarity)) clearance.categories.push_back(each);
  clearance.settle();
  return clearance;
}

class Boundary {
 public:
  explicit Boundary(Chance& chance) : chance_(chance) {}

  Tables make() {
    tables_.name = "chance";
    tables_.settings.stages_off = 0b1110100;  // payload, presence, content, rate
    tables_.enclaves = {{.name = "north", .revocation = {}, .withdrawn = {}},
                        {.name = "south", .revocation = {}, .withdrawn = {}}};
    tables_.domains = {{"north.test", 0, 0}, {"rooms.south.test", 1, 2}, {"south.test", 1, 2}};
    tables_.lists = {{"a", {"ann@north.test"}}, {"b", {"ann@north.test", "bob@south.test"}}};
    add_labels();
    add_peerings();
    if (chance_.once_in(3)) add_login();
    tables_.payloads = {{std::string(inspect::ns::kContent), "body"}, {"urn:a", ""}, {"urn:a", "x"}, {"urn:b", "y"}};
    const std::size_t rules = kFewestRules + chance_.below(8);
    while (tables_.rules.size() < rules) add_rule();
    return std::move(tables_);
  }

 private:
  void add_labels() {
    LabelTables& labels = tables_.labels;
    const bool two = chance_.once_in(2);
    std::vector<Spif> spifs = {some_spif(chance_, 1)};
    if (two) {
      spifs.push_back(some_spif(chance_, 2));
      add_equivalents(chance_, spifs[0], spifs[1]);
      labels.translations = {{.from = 0, .to = 1, .reverse = false}};
      if (chance_.once_in(2)) {
        add_equivalents(chance_, spifs[1], spifs[0]);
        labels.translations.push_back({.from = 1, .to = 0, .reverse = false});
      }
    }
    for (std::uint16_t i = 0; i < spifs.size(); ++i) {
      labels.policies.push_back({.name = "p" + std::to_string(i), .spif = spifs[i], .options = {}, .lang = ""});
      for (std::uint32_t rarity : {5U, 3U, 2U})
        labels.clearances.push_back(
            {"c" + std::to_string(labels.clearances.size()), i, some_clearance(chance_, spifs[i], rarity)});
    }
    if (const auto plain = valid_plain_label(spifs[0])) labels.labels.push_back({"plain", 0, *plain});
    labels.enclaves.resize(2);
    for (std::uint16_t i = 0; i < 2; ++i) {
      labels.enclaves[i].policy = (i == 1 || labels.translations.size() == 2) && two && chance_.once_in(2) ? 1 : 0;
      labels.enclaves[i].clearances = some_clearances(4);
      labels.enclaves[i].label = some_label();
    }
    for (const char* who : {"ann@north.test", "bob@south.test", "rooms.south.test", "south.test"})
      if (chance_.once_in(2))
        labels.holders.push_back(
            {.address = who, .clearances = some_clearances(2), .label = some_label(), .carrier = {}});
  }

  static std::optional<label::Label> valid_plain_label(const Spif& spif) {
    const auto plain =
        std::ranges::find_if(spif.classes, [](const label::Class& each) { return each.required.empty(); });
    if (plain == spif.classes.end()) return std::nullopt;
    label::Label made;
    made.policy = spif.id;
    made.classification = plain->lacv;
    return made;
  }

  std::optional<std::uint16_t> some_label() {
    if (tables_.labels.labels.empty() || chance_.once_in(3)) return std::nullopt;
    return std::uint16_t{0};
  }

  /// One under each policy, each with all but one chance in `rarity`.
  std::vector<std::uint16_t> some_clearances(std::uint32_t rarity) {
    std::vector<std::uint16_t> numbers;
    for (std::uint32_t i = 0; i < tables_.labels.policies.size(); ++i)
      if (!chance_.once_in(rarity)) numbers.push_back(static_cast<std::uint16_t>(3 * i + chance_.below(3)));
    return numbers;
  }

  void add_peerings() {
    Peering peering;
    peering.id = "people";
    peering.message = true;
    peering.presence = chance_.once_in(3);
    peering.iq = chance_.once_in(3);
    PeeringLabels& labels = peering.labels;
    labels.message = static_cast<Unlabelled>(chance_.below(4));
    labels.presence = static_cast<Unlabelled>(chance_.below(4));
    labels.iq = static_cast<Unlabelled>(chance_.below(4));
    labels.signals_pass = chance_.once_in(4);
    if (!tables_.labels.labels.empty() && chance_.once_in(8)) labels.only = {0};
    tables_.peerings = {peering};
    tables_.routes = {{0, 2, 0}, {2, 0, 0}};
    if (chance_.once_in(2)) return;
    peering.id = "rooms";
    tables_.peerings.push_back(peering);
    tables_.routes = {{0, 1, 1}, {0, 2, 0}, {2, 0, 0}};
  }

  /// Clients in the north of accounts in the south, by another grant than between the servers.
  void add_login() {
    Login login;
    login.rule = tables_.peerings.front();
    login.rule.id = "clients";
    login.rule.presence = chance_.once_in(3);
    login.rule.iq = chance_.once_in(3);
    login.rule.labels.message = static_cast<Unlabelled>(chance_.below(4));
    login.enclave = 0;
    login.domain = 2;
    inspect::Mechanisms mechanisms;
    mechanisms.add(inspect::Mechanism::ScramSha256);
    login.mechanisms = mechanisms.bits();
    tables_.logins = {login};
  }

  Side some_side() {
    Side side;
    side.any = chance_.once_in(3);
    if (side.any) return side;
    for (std::uint16_t i = 0; i < tables_.domains.size(); ++i)
      if (chance_.once_in(3)) side.domains.push_back(i);
    for (std::uint16_t i = 0; i < tables_.lists.size(); ++i)
      if (chance_.once_in(3)) side.lists.push_back(i);
    side.any = side.domains.empty() && side.lists.empty();
    return side;
  }

  std::vector<std::uint16_t> some_payloads() {
    std::vector<std::uint16_t> places;
    for (std::uint16_t i = 0; i < tables_.payloads.size(); ++i)
      if (chance_.once_in(2)) places.push_back(i);
    if (places.empty()) places.push_back(0);
    return places;
  }

  LabelMatch some_match() {
    LabelMatch match;
    match.none = chance_.once_in(6);
    if (match.none) return match;
    match.policy =
        static_cast<std::uint16_t>(chance_.below(static_cast<std::uint32_t>(tables_.labels.policies.size())));
    const Spif& spif = tables_.labels.policies[match.policy].spif;
    for (const label::Class& each : spif.classes)
      if (chance_.once_in(2)) match.classes.push_back(each.lacv);
    if (match.classes.empty()) match.classes.push_back(spif.classes.back().lacv);
    std::ranges::sort(match.classes);
    const std::vector<CatKey> all = keys(spif);
    if (chance_.once_in(3)) match.any_of = some_keys(chance_, all, 3);
    if (match.any_of && match.any_of->empty()) match.any_of.reset();
    if (chance_.once_in(3)) match.all_of = some_keys(chance_, all, 5);
    if (chance_.once_in(3)) match.none_of = some_keys(chance_, all, 4);
    return match;
  }

  /// Whole hours, within the first eight weeks of 2026.
  Window some_window() {
    Window window;
    window.days = static_cast<std::uint8_t>(1 + chance_.below(Window::kAllDays));
    window.from_minute = static_cast<std::uint16_t>(60 * chance_.below(24));
    window.until_minute = static_cast<std::uint16_t>(60 * (1 + chance_.below(24)));
    if (window.from_minute == window.until_minute) window.from_minute = 0, window.until_minute = Window::kDay;
    constexpr std::int64_t kStart = 1'767'225'600'000, kDay = 86'400'000;  // 2026-01-01
    if (chance_.once_in(3)) window.not_before = kStart + kDay * chance_.below(28);
    if (chance_.once_in(3)) window.not_after = kStart + kDay * (28 + chance_.below(28));
    return window;
  }

  void add_rule() {
    Rule rule;
    rule.id = "r" + std::to_string(tables_.rules.size());
    rule.text = "By chance.";
    rule.from = some_side();
    rule.to = some_side();
    rule.both = chance_.once_in(3);
    rule.stanzas = chance_.once_in(3) ? kAllStanzaTypes : types_of(static_cast<Kind>(chance_.below(3)));
    if (chance_.once_in(4)) rule.stanzas = bit(static_cast<StanzaType>(chance_.below(kStanzaTypes)));
    if (chance_.once_in(4)) rule.payload = some_payloads();
    if (chance_.once_in(4)) rule.only_payload = some_payloads();
    if (!chance_.once_in(4)) {
      rule.label.emplace();
      for (std::uint32_t i = 0; i <= chance_.below(2); ++i) rule.label->push_back(some_match());
    }
    if (windows_ < 4 && chance_.once_in(8)) {
      rule.window = some_window();
      ++windows_;
    }
    rule.action = chance_.once_in(2) ? Action::Release : chance_.once_in(2) ? Action::Drop : Action::Bounce;
    tables_.rules.push_back(std::move(rule));
  }

  Chance& chance_;
  Tables tables_;
  int windows_ = 0;
};

}  // namespace

Tables random_boundary(Chance& chance) {
  return Boundary(chance).make();
}

std::string random_claim(Chance& chance, const Tables& tables) {
  const std::vector<std::string> subjects = {"nothing", "no message", "no presence", "something", "some message"};
  std::string claim = one_of(chance, subjects);
  const LabelPolicy& policy = one_of(chance, tables.labels.policies);
  const auto some_class = [&] { return one_of(chance, policy.spif.classes).name; };
  const auto some_value = [&] {
    const label::Tag& tag = one_of(chance, policy.spif.tags);
    return policy.name + "/" + tag.name + ":" + one_of(chance, tag.categories).name;
  };
  switch (chance.below(8)) {
    case 0:
      claim += " below " + some_class();
      break;
    case 1:
      claim += " of " + some_class();
      break;
    case 2:
      claim += " with " + some_value();
      break;
    case 3:
      claim += " above " + some_class() + " and with " + some_value();
      break;
    case 4:
      claim += " of " + some_class() + " with " + some_value() + " and without " + some_value();
      break;
    case 5:
      claim += " without label";
      break;
    default:
      claim += " above " + some_class();
  }
  claim += " crosses";
  const std::vector<std::string> places = {"north.test", "enclave:south", "bob@south.test", "rooms.south.test",
                                           "ann@north.test"};
  if (chance.once_in(2)) claim += " from " + one_of(chance, places);
  if (!chance.once_in(3)) claim += " to " + one_of(chance, places);
  return claim;
}

}  // namespace sallyport::policy::testing
