// The labels that may come on a way, judged as the label stage judges them, and who lets them pass.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "policy/proof/contents.h"
#include "policy/proof/lattice.h"

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
  Candidates(const Bundle& bundle, const Claim& claim);

  /// All labels that may be written on that way and to which nothing but clearances may object; nullptr if there are
  /// too many to look at.
  const std::vector<Candidate>* of(const LabelWay& way, label::Time time);
  /// What a stanza of that type counts as that has no label itself; nullopt if it does not cross. It lives as long as
  /// this.
  std::optional<const Candidate*> without_label(const LabelWay& way, const Party& from, const Party& to,
                                                StanzaType type, const Content& content, label::Time time);
  /// Whether every clearance on the way covers it.
  bool is_granted(const JudgedLabel& judged, const Party& from, const Party& to) const;

  std::size_t labels() const { return judged_; }

 private:
  using Key = std::tuple<std::uint16_t, std::uint16_t, std::uint16_t, label::Time>;

  Candidate candidate(std::shared_ptr<const JudgedLabel> judged) const;
  std::optional<std::vector<Candidate>> made(const LabelWay& way, label::Time time);
  std::vector<std::uint16_t> policies(const LabelWay& way) const;
  bool may_matter(const LabelWay& way, std::uint16_t policy, const label::Label& label, label::Time time) const;
  Key key(const LabelWay& way, label::Time time) const;

  const Bundle& bundle_;
  const Claim& claim_;
  const LabelRules& rules_;
  Candidate none_;
  std::map<Key, std::optional<std::vector<Candidate>>> known_;
  std::map<std::pair<Key, std::uint16_t>, std::unique_ptr<const Candidate>> defaults_;
  std::size_t judged_ = 0;
};

}  // namespace sallyport::policy::proof
