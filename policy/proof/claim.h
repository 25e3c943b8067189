// What can be claimed about a policy: a small closed set of sentences, each of which the proof decides.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/bundle.h"
#include "policy/label_judge.h"

namespace sallyport::policy::proof {

/// Something asked of the label of what crosses. Names mean what they mean in every label policy that has them.
struct Quality {
  enum class Asks : std::uint8_t { Above, Below, Of, With, Without, Unlabelled };
  Asks asks = Asks::Unlabelled;
  std::string name;                                                ///< as written
  std::vector<std::pair<std::uint16_t, label::Number>> classes;    ///< policy and class, of Above, Below and Of
  std::vector<std::pair<std::uint16_t, label::CatNumber>> values;  ///< policy and value, of With and Without

  /// Whether the label, as either side sees it, is so. nullptr: there is none.
  bool is_met(const JudgedLabel* label, const LabelRules& rules) const;
  /// Whether either side sees the label under a policy that has the name.
  bool compares(const JudgedLabel& label) const;
};

/// One side of the boundary, as a claim names it.
struct Place {
  bool any = true;
  std::vector<std::uint16_t> domains;    ///< numbers, rising
  std::optional<std::uint16_t> enclave;  ///< whose domains these are; in a session, where somebody is
  std::string bare;                      ///< the one address; "" for all there

  bool has(std::uint16_t domain) const;
};

/// "nothing ... crosses": no stanza that is so does; or, if `some`, that there is one.
struct Claim {
  std::string text;
  bool some = false;
  std::optional<Kind> kind;
  std::vector<Quality> qualities;  ///< all of them are met
  Place from, to;
  /// Only on the ways that this grants (bundle.h grant()), and of a login only from clients or only to them. Not part
  /// of any sentence.
  std::optional<std::pair<std::uint16_t, bool>> way = {};

  bool is_met(const JudgedLabel* label, const LabelRules& rules) const;
};

/// Why a text is none, in words that say what would be understood.
std::expected<Claim, std::string> read_claim(std::string_view text, const Bundle& bundle);

/// The grammar, a few lines of text for people.
std::string_view claim_grammar();

}  // namespace sallyport::policy::proof
