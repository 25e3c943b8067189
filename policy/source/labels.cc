#include "policy/source/labels.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "policy/label/decide.h"
#include "policy/source/clearance_file.h"
#include "policy/source/keys.h"
#include "policy/source/spif/spif.h"
#include "policy/source/value_names.h"

namespace sallyport::policy::source {
namespace {

struct LoadedPolicy {
  spif::Loaded loaded;
  label::Policy policy;
  ValueNames values;
};

/// When the last of what a label needs has begun: a label that is not valid then never is.
label::Time latest_beginning(const label::Policy& policy, const label::Label& made) {
  std::int64_t at = policy.spif().period.not_before.value_or(0);
  for (const label::CatKey& key : made.categories)
    if (const auto number = policy.category_number(key))
      at = std::max(at, policy.category_at(*number).period.not_before.value_or(at));
  return label::Time(std::chrono::milliseconds(at));
}

class LabelCompiler {
 public:
  LabelCompiler(Reading& in, const PolicyText& text, const ReadFile& read, Tables& tables)
      : in_(in), text_(text), labels_(text.labels), read_(read), tables_(tables), out_(tables.labels) {}

  RuleLabels run() {
    out_.names = labels_.names;
    out_.der_only = labels_.der_only;
    for (const LabelPolicyText& policy : labels_.policies) add_policy(policy);
    check_policies();
    for (const NamedLabelText& label : labels_.labels) add_label(label);
    for (const ClearanceText& clearance : labels_.clearances) add_clearance(clearance);
    for (const TranslationText& translation : labels_.translations) add_translation(translation);
    for (const HolderText& holder : labels_.holders) add_holder(holder);
    std::ranges::sort(out_.holders, {}, &LabelHolder::address);
    if (!out_.policies.empty()) add_enclaves();
    for (std::size_t i = 0; i < text_.peerings.size() && i < tables_.peerings.size(); ++i)
      add_peering(text_.peerings[i].labels, tables_.peerings[i].labels);
    for (const LoginText& text : text_.logins) add_login(text);
    RuleLabels of_rules;
    for (const RuleText& rule : text_.rules) of_rules.push_back(label_of(rule));
    return of_rules;
  }

 private:
  // --- policies ---

  std::optional<SourceFile> content(const Written& path) {
    auto found =
        read_ ? read_(path.text) : std::expected<SourceFile, std::string>(std::unexpect, "no files are read here");
    if (found) return std::move(*found);
    in_.mistake(path.at, "'" + path.text + "' can't be read: " + found.error(),
                "name a file; its path is relative to the policy file");
    return std::nullopt;
  }

  void add_policy(const LabelPolicyText& text) {
    // Its number must be its place, also when it can't be loaded.
    LabelPolicy& row = out_.policies.emplace_back(text.row);
    row.name = text.name.text;
    loaded_.emplace_back();
    if (text.file.text.empty()) return;
    const auto file = content(text.file);
    if (!file) return;
    auto loaded = spif::load(file->text, file->name, {.lenient_order = text.lenient_order});
    if (!loaded) return in_.add(std::move(loaded.error()), {});
    in_.add({}, std::move(loaded->warnings));
    auto policy = label::Policy::make(loaded->spif);
    if (!policy) return in_.mistake(text.file.at, policy.error(), "");
    row.spif = loaded->spif;
    if (text.absent_class)
      if (const auto number = class_named(*policy, *text.absent_class))
        row.options.absent_class = policy->class_at(*number).lacv;
    ValueNames values = value_names(*policy);
    loaded_.back() = std::make_unique<LoadedPolicy>(std::move(*loaded), std::move(*policy), std::move(values));
  }

  void check_policies() {
    std::map<std::string, std::string> ids, names;
    for (std::size_t i = 0; i < loaded_.size(); ++i) {
      if (!loaded_[i]) continue;
      const label::Spif& spif = loaded_[i]->loaded.spif;
      const Written& at = labels_.policies[i].file;
      const auto unique = [&](std::map<std::string, std::string>& seen, const std::string& key,
                              const std::string& what) {
        const auto [place, is_new] = seen.try_emplace(key, labels_.policies[i].name.text);
        if (!is_new)
          in_.mistake(at.at, "[label_policy." + place->second + "] has the policy " + what + " already",
                      "a security policy is loaded once; keep the file with the higher version");
      };
      unique(ids, spif.id.text(), spif.id.text());
      unique(names, label::folded(spif.name), "'" + spif.name + "'");
      for (std::size_t j = 0; j < loaded_.size(); ++j)
        if (j != i && loaded_[j]) in_.add(spif::check_leads(loaded_[i]->loaded, loaded_[j]->policy), {});
    }
  }

  // --- what names mean ---

  template <class Row>
  std::optional<std::uint16_t> number(const std::vector<Row>& rows, const Written& name, std::string_view what) {
    const auto found =
        std::ranges::find(rows, name.text, [](const Row& row) -> const std::string& { return row.name; });
    if (found != rows.end()) return static_cast<std::uint16_t>(found - rows.begin());
    if (name.text.empty()) return std::nullopt;  // its mistake has been told
    std::vector<std::string_view> known;
    known.reserve(rows.size());
    for (const Row& row : rows) known.emplace_back(row.name);
    const std::string_view meant = inspect::nearest(name.text, known);
    in_.mistake(name.at, "there is no " + std::string(what) + " '" + name.text + "'",
                meant.empty() ? "add it" : "did you mean '" + std::string(meant) + "'?");
    return std::nullopt;
  }
  std::optional<std::uint16_t> policy_number(const Written& name) {
    return number(out_.policies, name, "label policy");
  }

  std::optional<label::Number> class_named(const label::Policy& policy, const Written& name) {
    const auto found = policy.class_named(name.text, label::NameCase::Exact);
    if (found) return found;
    std::vector<std::string_view> known;
    for (const label::Class& each : policy.spif().classes) known.emplace_back(each.name);
    const std::string_view meant = inspect::nearest(name.text, known);
    in_.mistake(name.at, policy.spif().name + " has no class '" + name.text + "'",
                meant.empty() ? "name a class of the SPIF" : "did you mean '" + std::string(meant) + "'?");
    return std::nullopt;
  }

  std::vector<label::CatKey> categories(const LoadedPolicy& of, const std::vector<Written>& names, bool all_allowed) {
    std::vector<label::CatKey> keys;
    for (const Written& name : names) {
      const auto [first, last] = of.values.equal_range(name.text);
      const bool is_all = name.text.ends_with(":*");
      if (first == last || (is_all && !all_allowed)) {
        unknown_value(of, name);
      } else if (!is_all && std::next(first) != last) {
        in_.mistake(name.at, "'" + name.text + "' stands for several values of " + of.policy.spif().name,
                    "name the tag in place of the tag set");
      }
      for (auto at = first; at != last; ++at) keys.push_back(of.policy.key(at->second));
    }
    return keys;
  }

  void unknown_value(const LoadedPolicy& of, const Written& name) {
    std::vector<std::string_view> known;
    for (const auto& [value, number] : of.values) known.emplace_back(value);
    const std::string_view meant = inspect::nearest(name.text, known);
    in_.mistake(name.at, of.policy.spif().name + " has no value '" + name.text + "'",
                meant.empty() ? "write \"TAG:VALUE\", with the names of the SPIF"
                              : "did you mean '" + std::string(meant) + "'?");
  }

  // --- labels and clearances ---

  void add_label(const NamedLabelText& text) {
    NamedLabel& row = out_.labels.emplace_back();
    row.name = text.name.text;
    const auto policy = policy_number(text.policy);
    if (!policy || !loaded_[*policy]) return;
    const LoadedPolicy& of = *loaded_[*policy];
    row.policy = *policy;
    row.label.policy = of.policy.id();
    const auto number = class_named(of.policy, text.classification);
    row.label.categories = categories(of, text.categories, false);
    row.label.settle();
    if (!number) return;
    row.label.classification = of.policy.class_at(*number).lacv;
    label::Options options = out_.policies[*policy].options;
    options.accept_obsolete = false;
    const auto valid = label::validate(of.policy, row.label, latest_beginning(of.policy, row.label), options);
    if (!valid)
      in_.mistake(text.name.at, "the label '" + row.name + "' is not valid: " + valid.error().text(),
                  "the officer's guide explains each of these words");
  }

  void add_clearance(const ClearanceText& text) {
    NamedClearance& row = out_.clearances.emplace_back();
    row.name = text.name.text;
    const auto policy = policy_number(text.policy);
    if (!policy || !loaded_[*policy]) return;
    const LoadedPolicy& of = *loaded_[*policy];
    row.policy = *policy;
    row.clearance.policy = of.policy.id();
    if (text.file) return read_clearance(text, *text.file, of, row);
    for (const Written& name : text.classes)
      if (const auto number = class_named(of.policy, name))
        row.clearance.classes.push_back(of.policy.class_at(*number).lacv);
    row.clearance.categories = categories(of, text.categories, true);
    row.clearance.settle();
    if (row.clearance.classes.empty() && !out_.policies[*policy].options.no_class_means_default)
      in_.warning(text.name.at, "the clearance '" + row.name + "' has no class, so it grants nothing", "add classes");
  }

  void read_clearance(const ClearanceText& text, const Written& path, const LoadedPolicy& of, NamedClearance& row) {
    if (!text.classes.empty() || !text.categories.empty())
      in_.mistake(path.at, "the clearance '" + row.name + "' is written out and in a file", "take one of the two away");
    const auto file = content(path);
    if (!file) return;
    auto found = clearance_of(*file, of.policy, labels_.names);
    if (!found) return in_.mistake(path.at, "'" + path.text + "' is no clearance: " + found.error(), "");
    if (found->policy != of.policy.id())
      return in_.mistake(path.at, "'" + path.text + "' is a clearance under another policy: " + found->policy.text(),
                         "name its policy");
    const label::UnknownInClearance unknown = label::unknown_in(of.policy, *found);
    if (!unknown.empty()) {
      const bool refuse = out_.policies[row.policy].options.unknown_in_clearance == label::Lenience::Refuse;
      const std::string what = "'" + path.text + "' holds " +
                               std::to_string(unknown.classes.size() + unknown.categories.size()) +
                               " classes or values that " + of.policy.spif().name + " does not know";
      if (refuse)
        in_.mistake(path.at, what, "bring the clearance or the SPIF up to date");
      else
        in_.warning(path.at, what, "they are left out");
      std::erase_if(found->classes, [&](label::Lacv lacv) { return !of.policy.class_number(lacv); });
      std::erase_if(found->categories, [&](const label::CatKey& key) { return !of.policy.category_number(key); });
    }
    row.clearance = std::move(*found);
  }

  // --- who has which ---

  void add_translation(const TranslationText& text) {
    const auto from = policy_number(text.from), to = policy_number(text.to);
    if (!from || !to) return;
    if (from == to)
      return in_.mistake(text.at, "a translation from '" + text.from.text + "' to itself", "name two policies");
    for (const LabelTranslation& other : out_.translations)
      if (other.from == *from && other.to == *to)
        return in_.mistake(text.at,
                           "there is a translation from '" + text.from.text + "' to '" + text.to.text + "' already",
                           "take one of the two away");
    out_.translations.push_back({.from = *from, .to = *to, .reverse = text.reverse});
    const auto& table = loaded_[text.reverse ? *to : *from];
    const auto& other = loaded_[text.reverse ? *from : *to];
    if (!table || !other) return;
    const auto& partners = table->loaded.spif.equivalent_policies;
    if (std::ranges::find(partners, other->policy.id(), &label::EquivalentPolicy::id) == partners.end())
      in_.mistake(text.at, "the SPIF of " + table->loaded.spif.name + " has no table for " + other->loaded.spif.name,
                  "take the SPIF of the other side, or one that has equivalentPolicies for it");
  }

  std::vector<std::uint16_t> clearance_numbers(const std::vector<Written>& names) {
    std::vector<std::uint16_t> numbers;
    std::set<std::uint16_t> policies;
    for (const Written& name : names) {
      const auto found = number(out_.clearances, name, "clearance");
      if (!found) continue;
      if (!policies.insert(out_.clearances[*found].policy).second)
        in_.mistake(name.at, "'" + name.text + "' is a second clearance under one policy",
                    "clearances are never merged; keep one of them");
      numbers.push_back(*found);
    }
    return numbers;
  }
  std::vector<std::uint16_t> label_numbers(const std::vector<Written>& names) {
    std::vector<std::uint16_t> numbers;
    for (const Written& name : names)
      if (const auto found = number(out_.labels, name, "label")) numbers.push_back(*found);
    return numbers;
  }
  std::optional<std::uint16_t> label_number(const std::optional<Written>& name) {
    return name ? number(out_.labels, *name, "label") : std::nullopt;
  }

  void add_holder(const HolderText& text) {
    if (text.address.text.empty()) return;
    for (const LabelHolder& other : out_.holders)
      if (other.address == text.address.text)
        return in_.mistake(text.address.at, "'" + text.address.text + "' stands here twice",
                           "take one of the two away");
    if (text.carrier && text.address.text.find('@') != std::string::npos)
      in_.mistake(text.address.at, "'carrier' is for domains", "take it away");
    out_.holders.push_back({.address = text.address.text,
                            .clearances = clearance_numbers(text.clearances),
                            .label = label_number(text.label),
                            .carrier = text.carrier});
  }

  void add_enclaves() {
    out_.enclaves.resize(tables_.enclaves.size());
    for (const EnclaveText& enclave : text_.enclaves) {
      const auto at = std::ranges::lower_bound(tables_.enclaves, enclave.name.text, {}, &Enclave::name);
      if (at == tables_.enclaves.end()) continue;
      EnclaveLabels& row = out_.enclaves[static_cast<std::size_t>(at - tables_.enclaves.begin())];
      const EnclaveLabelsText& text = enclave.labels;
      if (text.policy) row.policy = policy_number(*text.policy);
      row.clearances = clearance_numbers(text.clearances);
      row.label = label_number(text.label);
      row.carrier = text.carrier;
      row.first_lines = label_numbers(text.first_lines);
      if (!row.policy && !text.policy)
        in_.warning(enclave.name.at, "no label policy governs the enclave '" + enclave.name.text + "'",
                    "add [enclave." + enclave.name.text + ".labels] with policy = \"...\"");
    }
  }

  void add_peering(const PeeringLabelsText& text, PeeringLabels& row) {
    row = text.row;
    row.only = label_numbers(text.only);
  }

  void add_login(const LoginText& text) {
    PeeringLabels row;
    add_peering(text.labels, row);
    for (Login& login : tables_.logins)
      if (login.rule.id == text.rule.id) login.rule.labels = row;
  }

  // --- rules ---

  std::optional<std::vector<LabelMatch>> label_of(const RuleText& rule) {
    if (!rule.label) return std::nullopt;
    if ((text_.stages.off >> static_cast<unsigned>(Stage::Label)) & 1U)
      in_.mistake(rule.at, "the rule '" + rule.rule.id + "' asks for labels, but the stage 'label' is switched off",
                  "take \"label\" out of [stages] off = [...], or 'label' out of the rule");
    std::vector<LabelMatch> matches;
    for (const LabelMatchText& text : *rule.label)
      if (auto match = label_match(text)) matches.push_back(std::move(*match));
    return matches;
  }

  std::optional<LabelMatch> label_match(const LabelMatchText& text) {
    LabelMatch match;
    match.none = text.none;
    if (text.none) return match;
    const auto policy = policy_number(text.policy);
    if (!policy || !loaded_[*policy]) return std::nullopt;
    const LoadedPolicy& of = *loaded_[*policy];
    match.policy = *policy;
    match.classes = classes(of.policy, text);
    if (match.classes.empty()) in_.mistake(text.at, "no class is all that is asked here", "name classes that overlap");
    const auto values = [&](const std::vector<Written>& names) {
      std::vector<label::CatKey> keys = categories(of, names, true);
      std::ranges::sort(keys);
      keys.erase(std::ranges::unique(keys).begin(), keys.end());
      return keys;
    };
    if (!text.any_of.empty()) match.any_of = values(text.any_of);
    match.all_of = values(text.all_of);
    match.none_of = values(text.none_of);
    return match;
  }

  /// Those that fit `classes`, `at_least` and `at_most`; rising.
  std::vector<label::Lacv> classes(const label::Policy& policy, const LabelMatchText& text) {
    std::set<label::Lacv> listed;
    for (const Written& name : text.classes)
      if (const auto found = class_named(policy, name)) listed.insert(policy.class_at(*found).lacv);
    const auto rank = [&](const std::optional<Written>& name, std::uint32_t otherwise) {
      const auto found = name ? class_named(policy, *name) : std::nullopt;
      return found ? policy.class_at(*found).rank : otherwise;
    };
    const std::uint32_t least = rank(text.at_least, 0);
    const std::uint32_t most = rank(text.at_most, std::numeric_limits<std::uint32_t>::max());
    std::vector<label::Lacv> fitting;
    for (const label::Class& each : policy.spif().classes)
      if ((text.classes.empty() || listed.contains(each.lacv)) && each.rank >= least && each.rank <= most)
        fitting.push_back(each.lacv);
    std::ranges::sort(fitting);
    return fitting;
  }

  Reading& in_;
  const PolicyText& text_;
  const LabelsText& labels_;
  const ReadFile& read_;
  Tables& tables_;
  LabelTables& out_;
  std::vector<std::unique_ptr<const LoadedPolicy>> loaded_;  // as out_.policies
};

}  // namespace

RuleLabels compile_labels(Reading& in, const PolicyText& text, const ReadFile& read, Tables& tables) {
  return LabelCompiler(in, text, read, tables).run();
}

}  // namespace sallyport::policy::source
