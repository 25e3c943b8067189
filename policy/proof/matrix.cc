#include "policy/proof/matrix.h"

#include <algorithm>
#include <map>

#include "inspect/names.h"
#include "policy/label/decide.h"
#include "policy/label/marking.h"
#include "policy/proof/stanza.h"

namespace sallyport::policy::proof {
namespace {

class MatrixMaker {
 public:
  MatrixMaker(const Bundle& bundle, const When& when)
      : bundle_(bundle),
        rules_(*bundle.label_rules()),
        policies_(static_cast<std::uint16_t>(rules_.tables().policies.size())),
        when_(when),
        text_{.carried = {{.ns = std::string(inspect::ns::kContent), .name = "body"}},
              .rules = RuleSet(bundle.tables().rules.size())} {
    if (when.only)
      times_ = {instant(bundle, when.time)};
    else
      times_ = instants(bundle, when.time);
    // What a label means is looked at as it is now: a policy that ends some day would else be open in part only.
    for (std::uint16_t p = 0; p < policies_; ++p)
      std::erase_if(times_,
                    [&, span = rules_.policy(p).steady(when.time)](const Instant& at) { return !span.holds(at.time); });
  }

  Matrix run() {
    made_.labels_looked_at = !bundle_.is_off(Stage::Label);
    if (made_.labels_looked_at) add_labels();
    made_.labels.push_back({.name = "no label",
                            .policy = "",
                            .number = {},
                            .classification = {},
                            .label = {},
                            .background = "",
                            .foreground = ""});
    each_passage(bundle_, {}, [&](const Passage& passage) {
      passage.way.login ? add_session(passage) : add_row(passage, end(passage.from), end(passage.to));
      return true;
    });
    return std::move(made_);
  }

 private:
  /// The classes of every policy, lowest first, and the officer's own labels.
  void add_labels() {
    for (std::uint16_t p = 0; p < policies_; ++p) {
      std::vector<label::Class> classes = rules_.policy(p).spif().classes;
      std::ranges::sort(classes, {}, &label::Class::rank);
      for (const label::Class& each : classes) {
        label::Label plain;
        plain.policy = rules_.policy(p).id();
        plain.classification = each.lacv;
        add(each.name, p, plain, each).classification = each.lacv;
      }
    }
    for (const NamedLabel& named : rules_.tables().labels) {
      const label::Policy& policy = rules_.policy(named.policy);
      if (const auto number = policy.class_number(named.label.classification.value_or(0)))
        add(named.name, named.policy, named.label, policy.class_at(*number));
    }
  }

  MatrixLabel& add(const std::string& name, std::uint16_t policy, const label::Label& label, const label::Class& of) {
    MatrixLabel made{.name = name,
                     .policy = rules_.row(policy).name,
                     .number = policy,
                     .classification = {},
                     .label = label,
                     .background = "",
                     .foreground = ""};
    if (const auto colours = label::colours(of)) {
      made.background = colours->background;
      made.foreground = colours->foreground;
    }
    made_.labels.push_back(std::move(made));
    return made_.labels.back();
  }

  std::string end(const std::vector<Party>& parties) const {
    const auto& domain = parties.front().domain;
    return domain ? bundle_.tables().domains[*domain].name : std::string();
  }

  /// A row for each domain of the enclave that the server is in, and one for all others.
  void add_session(const Passage& passage) {
    const auto& domains = bundle_.tables().domains;
    const Login& login = *passage.way.login;
    const std::string clients =
        "clients of " + domains[login.domain].name + " in " + std::string(bundle_.enclave_name(login.enclave));
    std::map<std::string, std::vector<Party>> far;
    for (const Party& each : passage.way.from_client ? passage.to : passage.from) {
      const bool is_near = each.domain && domains[*each.domain].enclave == domains[login.domain].enclave;
      far[is_near ? domains[*each.domain].name : "elsewhere"].push_back(each);
    }
    for (const auto& [name, parties] : far) {
      Passage part = passage;
      (passage.way.from_client ? part.to : part.from) = parties;
      passage.way.from_client ? add_row(part, clients, name) : add_row(part, name, clients);
    }
  }

  void add_row(const Passage& passage, std::string from, std::string to) {
    MatrixRow row{.from = std::move(from), .to = std::move(to), .peering = passage.way.grant->id, .cells = {}};
    for (const MatrixLabel& label : made_.labels) row.cells.push_back(cell(passage, label));
    made_.rows.push_back(std::move(row));
  }

  /// A chat message of text, by everybody to everybody at all times.
  MatrixCell cell(const Passage& passage, const MatrixLabel& label) {
    MatrixCell cell;
    std::size_t asked = 0, crossed = 0;
    for (const Party& from : passage.from)
      for (const Party& to : passage.to)
        for (const Instant& at : times_) {
          const StanzaPlan plan{.way = passage.way,
                                .from = from,
                                .to = to,
                                .type = StanzaType::MessageChat,
                                .content = &text_,
                                .label = label.label ? &*label.label : nullptr};
          const Answer answer = judged(bundle_, plan, at.time);
          ++asked;
          if (answer.crosses && ++crossed == 1) {
            cell.rule = answer.rule;
            cell.example = from.bare + " to " + to.bare;
          }
          if (crossed == 0 && asked == 1) {
            cell.reason = answer.reason;
            cell.rule = answer.rule;
          }
        }
    if (crossed == asked) cell.example.clear();
    cell.answer = crossed == asked ? MatrixAnswer::Yes : crossed > 0 ? MatrixAnswer::InPart : MatrixAnswer::No;
    if (cell.answer == MatrixAnswer::No) look_for_others(passage, label, cell);
    return cell;
  }

  static Place place(const std::vector<Party>& parties) {
    Place place{.any = false, .domains = {}, .enclave = {}, .bare = ""};
    for (const Party& each : parties)
      if (each.domain && std::ranges::count(place.domains, *each.domain) == 0) place.domains.push_back(*each.domain);
    std::ranges::sort(place.domains);
    return place;
  }

  /// A class that does not cross by itself may do so with values.
  void look_for_others(const Passage& passage, const MatrixLabel& label, MatrixCell& cell) {
    Quality quality{.asks = Quality::Asks::Of, .name = label.name, .classes = {}, .values = {}};
    if (!label.number || !label.classification) return;
    const auto number = rules_.policy(*label.number).class_number(*label.classification);
    if (!number) return;
    quality.classes.emplace_back(*label.number, *number);
    Claim claim{.text = "", .some = true, .kind = Kind::Message, .qualities = {quality}, .from = {}, .to = {}};
    claim.from = place(passage.from);
    claim.to = place(passage.to);
    claim.way = {passage.way.label.peering, passage.way.from_client};
    const Proof proof = prove(claim, bundle_, when_);
    if (proof.outcome != Outcome::Holds || !proof.example) return;
    cell = {.answer = MatrixAnswer::InPart,
            .rule = proof.example->rule,
            .reason = proof.example->reason,
            .example = proof.example->label};
  }

  const Bundle& bundle_;
  const LabelRules& rules_;
  std::uint16_t policies_;
  const When& when_;
  Content text_;
  std::vector<Instant> times_;
  Matrix made_;
};

}  // namespace

std::string_view name(MatrixAnswer answer) {
  switch (answer) {
    case MatrixAnswer::Yes:
      return "yes";
    case MatrixAnswer::InPart:
      return "in part";
    case MatrixAnswer::No:
      return "no";
  }
  return {};
}

Matrix matrix(const Bundle& bundle, const When& when) {
  return MatrixMaker(bundle, when).run();
}

}  // namespace sallyport::policy::proof
