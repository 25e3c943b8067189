// Reason codes: one registry for everything the record gives as a cause, `stage.reason`. The rows stand in reasons.def;
// docs/reference/reason-codes.md is made from them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "inspect/errors.h"

namespace sallyport::policy {

/// There is no default that passes: a Judgement starts as Drop, and only a run that came to its end with a granting
/// rule and without an objection makes it Release or Alter.
enum class Verdict : std::uint8_t { Release, Alter, Answer, Bounce, Drop, Sever };
inline constexpr Verdict kLastVerdict = Verdict::Sever;
std::string_view name(Verdict verdict);

/// The content of a bounce (RFC 6120 8.3).
struct StanzaFault {
  inspect::ErrorType type = inspect::ErrorType::Cancel;
  inspect::StanzaCondition condition = inspect::StanzaCondition::ServiceUnavailable;
  inspect::LimitCondition limit = inspect::LimitCondition::None;
  bool operator==(const StanzaFault&) const = default;
};

/// Why something was altered, refused, ended or noted.
enum class Reason : std::uint16_t {
#define SALLYPORT_REASON(enumerator, ...) enumerator,
#include "policy/reasons.def"
#undef SALLYPORT_REASON
};
namespace detail {
enum class Counted : std::uint16_t {
#define SALLYPORT_REASON(enumerator, ...) enumerator,
#include "policy/reasons.def"
#undef SALLYPORT_REASON
  kEnd,
};
}  // namespace detail
inline constexpr std::size_t kReasonCount = static_cast<std::size_t>(detail::Counted::kEnd);

/// What the peer is told.
struct Wire {
  enum class Kind : std::uint8_t {
    Silence,  ///< nothing
    Stream,   ///< a stream error, and the stream ends
    Stanza,   ///< a stanza error, where one may be sent (bounce.h)
    Refusal,  ///< what a refusal by policy looks like for that kind of stanza (design.md section 10): the same bytes
              ///< whichever stage refused
  };
  Kind kind = Kind::Silence;
  inspect::StreamCondition stream = inspect::StreamCondition::UndefinedCondition;
  StanzaFault stanza;
};

struct ReasonRow {
  Reason reason{};
  std::string_view code;   ///< "shape.iq-type": stage, dot, reason; lower case, hyphens
  std::string_view rules;  ///< ids of the documents' rules, "" if none
  /// What a stanza for which this is the deciding reason comes to. For an event: nullopt.
  std::optional<Verdict> verdict;
  Wire wire;
  std::string_view text;  ///< one sentence for whoever reads the record
};

/// All rows, in the order of the enumerators.
std::span<const ReasonRow> reasons();
const ReasonRow& row(Reason reason);
inline std::string_view code(Reason reason) {
  return row(reason).code;
}
/// The reason with that code. Unknown: nullopt.
std::optional<Reason> reason(std::string_view code);
/// The part of the code before the dot.
std::string_view stage_name(Reason reason);

/// docs/reference/reason-codes.md, whole.
std::string reason_reference();

}  // namespace sallyport::policy
