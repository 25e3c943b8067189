// Which labels cross where: each label of a list held against each ordered pair of domains.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/bundle.h"
#include "policy/proof/prove.h"

namespace sallyport::policy::proof {

/// A column: a class without values, a label of the officer's own, or no label.
struct MatrixLabel {
  std::string name;                           ///< "SECRET", "internal", "no label"
  std::string policy;                         ///< what the officer's file calls it; "" for no label
  std::optional<std::uint16_t> number;        ///< of the policy
  std::optional<label::Lacv> classification;  ///< set: every label of that class
  std::optional<label::Label> label;          ///< as it is tried; absent for no label
  std::string background, foreground;         ///< of its marking; "" for none
};

/// Yes: a chat message with that label crosses, whoever writes to whom, at any time at which labels are read as now.
/// InPart: for some, at times, or with some values besides.
enum class MatrixAnswer : std::uint8_t { Yes, InPart, No };
std::string_view name(MatrixAnswer answer);

struct MatrixCell {
  MatrixAnswer answer = MatrixAnswer::No;
  std::string rule;                         ///< that lets one cross, or that refuses; "" for none
  Reason reason = Reason::PolicyUndecided;  ///< of a No
  std::string example;                      ///< of InPart: the marking, or who and when
};

/// A way between two domains; in a client's session one end is "clients of DOMAIN in ENCLAVE", the other a domain of
/// the enclave that their server is in, or "elsewhere".
struct MatrixRow {
  std::string from, to;
  std::string peering;            ///< or login
  std::vector<MatrixCell> cells;  ///< as the labels
};

struct Matrix {
  std::vector<MatrixLabel> labels;
  std::vector<MatrixRow> rows;
  bool labels_looked_at = true;
};

/// From that time on, until what is read in label policies changes.
Matrix matrix(const Bundle& bundle, const When& when);

}  // namespace sallyport::policy::proof
