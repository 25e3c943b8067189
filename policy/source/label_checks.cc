// Labels that are legal and yet of no use, since nothing lets them cross.
#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "policy/proof/releasable.h"
#include "policy/source/keys.h"

namespace sallyport::policy::source {
namespace {

using proof::NamedReach;
using proof::Reach;

/// Why a label gets nowhere.
std::string_view why(Reach reach) {
  switch (reach) {
    case Reach::Invalid:
      return "it is not valid there, or nothing translates it";
    case Reach::Denied:
      return "the clearances deny it";
    case Reach::Unruled:
      return "no rule releases it";
    case Reach::Refused:
      return "a rule refuses it";
    case Reach::Released:
      break;
  }
  return {};
}

class LabelChecks {
 public:
  LabelChecks(Reading& in, const PolicyText& text, const Bundle& bundle)
      : in_(in),
        text_(text),
        bundle_(bundle),
        rules_(*bundle.label_rules()),
        found_(proof::releasable(bundle, {.time = label::Time{}})) {}

  void run() {
    if (!found_.is_whole)
      return in_.warning({}, "there is too much to look at to tell which labels no rule can release",
                         "ask `sallyport policy prove` about the classes that matter");
    warn_of_classes();
    for (std::size_t i = 0; i < text_.labels.labels.size(); ++i) warn_of_label(i);
    warn_of_listed();
    warn_of_defaults();
  }

 private:
  /// As it was written; "the peering 'people'".
  std::pair<const GrantText&, std::string> grant_text(std::uint16_t number) const {
    const std::string& id = policy::grant(bundle_.tables(), number).id;
    if (number < text_.peerings.size()) return {text_.peerings[number], "the peering '" + id + "'"};
    return {*std::ranges::find_if(text_.logins, [&](const LoginText& each) { return each.rule.id == id; }),
            "the login '" + id + "'"};
  }

  std::string enclave(std::uint16_t number) const { return "'" + std::string(bundle_.enclave_name(number)) + "'"; }

  /// One warning for each way and label policy.
  void warn_of_classes() {
    std::map<std::tuple<std::uint16_t, std::uint16_t, std::uint16_t>, std::pair<const proof::ClassReach*, std::string>>
        unruled;
    for (const proof::ClassReach& each : found_.classes) {
      if (each.reach != Reach::Unruled) continue;
      auto& [first, names] = unruled[{each.way.peering, each.way.from_enclave, each.way.to_enclave}];
      first = &each;
      names += (names.empty() ? "" : ", ") + rules_.policy(each.policy).class_at(each.classification).name;
    }
    for (const auto& [way, told] : unruled) {
      const auto& [each, names] = told;
      const auto& [grant, what] = grant_text(each->way.peering);
      std::string told_of = "by " + what;
      told_of.append(" no rule lets a message labelled ").append(names).append(" of '");
      told_of.append(rules_.row(each->policy).name).append("' cross from ").append(enclave(each->way.from_enclave));
      told_of.append(" to ").append(enclave(each->way.to_enclave)).append(", and the clearances there do");
      in_.warning(
          grant.at, std::move(told_of),
          "add a rule that releases it, or take it out of a clearance; a rule that refuses it by its label says "
          "that this is meant");
    }
  }

  /// The best that becomes of a label on the ways that count.
  std::optional<Reach> best(std::size_t number, const std::function<bool(const NamedReach&)>& counts) const {
    std::optional<Reach> best;
    for (const NamedReach& each : found_.named)
      if (each.label == number && counts(each)) best = std::max(best.value_or(Reach::Invalid), each.reach);
    return best;
  }

  bool gets_somewhere(std::size_t number) const {
    const auto reach = best(number, [](const NamedReach&) { return true; });
    return !reach || *reach == Reach::Released || *reach == Reach::Refused;
  }

  void warn_of_label(std::size_t number) {
    const auto reach = best(number, [](const NamedReach&) { return true; });
    if (!reach || gets_somewhere(number)) return;
    const Written& name = text_.labels.labels[number].name;
    in_.warning(name.at, "the label '" + name.text + "' can cross nowhere: " + std::string(why(*reach)),
                "see what it needs with `sallyport label show`, or take it away");
  }

  std::optional<std::size_t> number_of(const Written& name) const {
    const auto& labels = text_.labels.labels;
    const auto at =
        std::ranges::find_if(labels, [&](const NamedLabelText& each) { return each.name.text == name.text; });
    return at == labels.end() ? std::nullopt : std::optional(static_cast<std::size_t>(at - labels.begin()));
  }

  /// Of a label that is of use elsewhere.
  void warn_where(const Written& name, const std::string& where, const std::function<bool(const NamedReach&)>& counts) {
    const auto number = number_of(name);
    if (!number || !gets_somewhere(*number)) return;
    const auto reach = best(*number, counts);
    if (!reach || *reach == Reach::Released) return;
    in_.warning(name.at,
                where + ", but nothing labelled '" + name.text + "' crosses there: " + std::string(why(*reach)),
                "name a label that crosses there");
  }

  void warn_of_listed() {
    const Tables& tables = bundle_.tables();
    const auto grants = static_cast<std::uint16_t>(tables.peerings.size() + tables.logins.size());
    for (std::uint16_t grant = 0; grant < grants; ++grant) {
      const auto& [text, what] = grant_text(grant);
      for (const Written& each : text.labels.only)
        warn_where(each, what + " lists a label", [&](const NamedReach& on) { return on.way.peering == grant; });
    }
  }

  /// Where the default is judged at all.
  void warn_of_defaults() {
    for (const EnclaveText& each : text_.enclaves) {
      const auto& written = each.labels.label;
      if (!written) continue;
      const auto place = std::ranges::find(bundle_.tables().enclaves, each.name.text, &Enclave::name);
      const auto number = static_cast<std::uint16_t>(place - bundle_.tables().enclaves.begin());
      warn_where(*written, "what comes from " + enclave(number) + " without label has this one",
                 [&](const NamedReach& on) {
                   const Unlabelled rule = policy::grant(bundle_.tables(), on.way.peering).labels.message;
                   return on.way.from_enclave == number && (rule == Unlabelled::Assume || rule == Unlabelled::Stamp);
                 });
    }
  }

  Reading& in_;
  const PolicyText& text_;
  const Bundle& bundle_;
  const LabelRules& rules_;
  const proof::Releasable found_;
};

}  // namespace

void check_labels(Reading& in, const PolicyText& text, const Bundle& bundle) {
  if (!bundle.label_rules()->empty() && !bundle.is_off(Stage::Label)) LabelChecks(in, text, bundle).run();
}

}  // namespace sallyport::policy::source
