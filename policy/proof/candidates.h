// The labels that may come on a way, judged as the label stage judges them, and who lets them pass.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "policy/proof/lattice.h"
#include "policy/proof/occasions.h"

namespace sallyport::policy::proof {

/// One label, or the lack of one.
struct Candidate {
  std::shared_ptr<const JudgedLabel> judged;  ///< nullptr: none
  std::optional<label::Label> label;          ///< as it would be written; absent for defaults and for none
  RuleSet rules;                              ///< those that ask for it, or for no label
  bool is_met = false;                        ///< it is what the claim is about
  bool is_compared = false;                   ///< the claim's names mean something on its way

  auto sort() const { return std::tuple(is_met, is_compared, rules); }
};

/// Keeps what has been judged. One for each claim and bundle, which outlive it.
class Candidates {
 public:
  /// Which labels are of one sort: those that rules and claim see alike; or of these, those of one class.
  enum class Sorts : std::uint8_t { Alike, WithClass };

  Candidates(const Bundle& bundle, const Claim& claim, Sorts sorts = Sorts::Alike);

  /// One label of each sort that may be written there and to which only rules may object; nullptr if there are too many
  /// to look at. They live as long as this.
  const std::vector<Candidate>* between(const Way& way, const Party& from, const Party& to, label::Time time);
  /// What a stanza of that type counts as that has no label itself; nullopt if it does not cross. It lives as long as
  /// this.
  std::optional<const Candidate*> without_label(const Way& way, const Party& from, const Party& to, StanzaType type,
                                                const Content& content, label::Time time);
  /// One of the bundle's labels; whether it is granted is not asked. It lives as long as this.
  const Candidate& named(const Way& way, std::uint16_t number, label::Time time);

  std::size_t labels() const { return judged_; }

 private:
  using Key = std::tuple<std::uint16_t, std::uint16_t, std::uint16_t, label::Time>;

  Candidate candidate(std::shared_ptr<const JudgedLabel> judged, bool looked_at = true) const;
  std::optional<std::vector<Candidate>> made(const Way& way, const Askers& askers, label::Time time);
  std::vector<std::uint16_t> policies(const LabelWay& way) const;
  Key key(const LabelWay& way, label::Time time) const;

  const Bundle& bundle_;
  const Claim& claim_;
  const Sorts sorts_;
  const LabelRules& rules_;
  Candidate none_, not_looked_at_;
  std::map<std::pair<Key, Askers::Key>, std::optional<std::vector<Candidate>>> known_;
  std::map<std::tuple<std::uint16_t, std::uint16_t, std::uint16_t>, Worlds> worlds_;
  std::map<std::pair<Key, std::uint16_t>, std::unique_ptr<const Candidate>> named_;
  std::size_t judged_ = 0;
};

/// The labels that may be written on occasions, looked up once for each pair and time.
class Written {
 public:
  /// As Candidates::between().
  const std::vector<Candidate>* at(Candidates& candidates, const Occasion& occasion);

 private:
  std::size_t pair_ = 0;
  std::map<const Instant*, const std::vector<Candidate>*> known_;  // of the pair
};

}  // namespace sallyport::policy::proof
