// What the guard decides about a stanza, and what it was told when it decided.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "inspect/element.h"
#include "inspect/errors.h"
#include "inspect/jid.h"
#include "policy/reason.h"

namespace sallyport::policy {

enum class Kind : std::uint8_t { Message, Presence, Iq };
inline constexpr Kind kLastKind = Kind::Iq;
std::string_view name(Kind kind);

/// The stages in their fixed order (design.md section 3).
enum class Stage : std::uint8_t { Shape, Addressing, Payload, Label, Presence, Content, Rate };
inline constexpr Stage kLastStage = Stage::Rate;
std::string_view name(Stage stage);

/// There is no default that passes: a Judgement starts as Drop, and only a run that came to its end with a granting
/// rule and without an objection makes it Release or Alter.
enum class Verdict : std::uint8_t { Release, Alter, Answer, Bounce, Drop, Sever };
std::string_view name(Verdict verdict);

/// Which way a stanza goes. Domains are prepared; they are the pair that the in-leg was granted.
struct Crossing {
  std::string_view from_enclave, to_enclave;
  std::string_view lang;  ///< xml:lang of the in-leg's header, inherited by its stanzas (protocol.md X-06)
};

/// The content of a bounce (RFC 6120 8.3).
struct StanzaFault {
  inspect::ErrorType type = inspect::ErrorType::Cancel;
  inspect::StanzaCondition condition = inspect::StanzaCondition::ServiceUnavailable;
  inspect::LimitCondition limit = inspect::LimitCondition::None;
};

/// What a stanza is, as far as it could be understood; for the record and for bounces.
struct StanzaFacts {
  std::optional<Kind> kind;
  std::string_view type, id;
  std::optional<inspect::Jid> from, to;
};

struct Judgement {
  Verdict verdict = Verdict::Drop;
  Reason reason = Reason::PolicyUndecided;
  std::vector<Reason> findings;  ///< what later stages found as well, and what was altered
  std::string_view rule;         ///< id of the peering that granted it; points into the bundle
  StanzaFacts facts;
  StanzaFault fault;                                                              ///< of a Bounce
  inspect::StreamCondition sever = inspect::StreamCondition::UndefinedCondition;  ///< of a Sever
};

}  // namespace sallyport::policy
