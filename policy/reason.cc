#include "policy/reason.h"

#include <array>

namespace sallyport::policy {
namespace {

using inspect::ErrorType;
using inspect::LimitCondition;
using inspect::StanzaCondition;
using inspect::StreamCondition;

// The words that the rows are written in.
constexpr std::optional<Verdict> kReleases = Verdict::Release;
constexpr std::optional<Verdict> kAlters = Verdict::Alter;
constexpr std::optional<Verdict> kAnswers = Verdict::Answer;
constexpr std::optional<Verdict> kBounces = Verdict::Bounce;
constexpr std::optional<Verdict> kDrops = Verdict::Drop;
constexpr std::optional<Verdict> kSevers = Verdict::Sever;
constexpr std::optional<Verdict> kEvent = std::nullopt;

constexpr Wire kSilence{};
constexpr Wire kRefusal{.kind = Wire::Kind::Refusal, .stream = {}, .stanza = {}};
constexpr Wire stream(StreamCondition condition) {
  return {.kind = Wire::Kind::Stream, .stream = condition, .stanza = {}};
}
constexpr Wire stanza(ErrorType type, StanzaCondition condition, LimitCondition limit = LimitCondition::None) {
  return {.kind = Wire::Kind::Stanza, .stream = {}, .stanza = {.type = type, .condition = condition, .limit = limit}};
}

constexpr std::array<ReasonRow, kReasonCount> kRows = {{
#define SALLYPORT_REASON(enumerator, code, rules, verdict, wire, text) \
  ReasonRow{Reason::enumerator, code, rules, verdict, wire, text},
#include "policy/reasons.def"
#undef SALLYPORT_REASON
}};

std::string wire_text(const Wire& wire) {
  switch (wire.kind) {
    case Wire::Kind::Silence:
      return "nothing";
    case Wire::Kind::Stream:
      return "stream error `" + std::string(inspect::name(wire.stream)) + "`";
    case Wire::Kind::Stanza: {
      std::string text = "`" + std::string(inspect::name(wire.stanza.condition)) + "` (" +
                         std::string(inspect::name(wire.stanza.type)) + ")";
      if (wire.stanza.limit != LimitCondition::None)
        text += " with `" + std::string(inspect::name(wire.stanza.limit)) + "`";
      return text;
    }
    case Wire::Kind::Refusal:
      return "refusal";
  }
  return {};
}

}  // namespace

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::Release:
      return "release";
    case Verdict::Alter:
      return "alter";
    case Verdict::Answer:
      return "answer";
    case Verdict::Bounce:
      return "bounce";
    case Verdict::Drop:
      return "drop";
    case Verdict::Sever:
      return "sever";
  }
  return {};
}

std::span<const ReasonRow> reasons() {
  return kRows;
}

const ReasonRow& row(Reason reason) {
  return kRows[static_cast<std::size_t>(reason)];
}

std::optional<Reason> reason(std::string_view code) {
  for (const ReasonRow& each : kRows)
    if (each.code == code) return each.reason;
  return std::nullopt;
}

std::string_view stage_name(Reason reason) {
  const std::string_view whole = code(reason);
  return whole.substr(0, whole.find('.'));
}

std::string reason_reference() {
  std::string page =
      "# Reason codes\n\n"
      "Made from `policy/reasons.def`; a test compares the two. Every line of the audit log names one of these as its\n"
      "cause; what an edge reports in its own words is an `airlock.reported` with the edge's code among its details. "
      "*Verdict* is what a stanza comes to when the reason decides; an event has none. *Peer is told* names "
      "the\n"
      "error, where one may be sent: errors, results and ordinary presence are never answered and count as dropped.\n"
      "\"Refusal\" is the same for every rule of policy: `service-unavailable` (cancel) for an iq request and a\n"
      "`subscribe`, `policy-violation` (modify) for a message unless its peering says otherwise, silence for the "
      "rest.\n";
  std::string_view stage;
  for (const ReasonRow& each : kRows) {
    if (const std::string_view its_stage = stage_name(each.reason); its_stage != stage) {
      stage = its_stage;
      page += "\n## " + std::string(stage) +
              "\n\n| code | verdict | peer is told | rules | meaning |\n|---|---|---|---|---|\n";
    }
    page += "| `" + std::string(each.code) + "` | " + std::string(each.verdict ? name(*each.verdict) : "event") +
            " | " + wire_text(each.wire) + " | " + std::string(each.rules) + " | " + std::string(each.text) + " |\n";
  }
  return page;
}

}  // namespace sallyport::policy
