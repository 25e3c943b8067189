// Which frame of an edge has its turn in a session. No frame is legal unless it says so here.
#include <algorithm>
#include <array>

#include "proxy/guard/session.h"

namespace sallyport::guard {

std::string_view name(Turn turn) {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(kLastTurn) + 1> kNames = {
      "dialling", "offer", "auth",    "answer",  "response", "aborting", "session offer",
      "bind",     "bound", "looking", "resumed", "open",     "ending"};
  return kNames[static_cast<std::size_t>(turn)];
}

namespace {

using airlock::Body;
using airlock::SaslStep;
using airlock::SmStep;

bool is_sasl(const Body& body, std::initializer_list<SaslStep> steps) {
  const auto* sasl = std::get_if<airlock::Sasl>(&body);
  return sasl != nullptr && std::ranges::find(steps, sasl->step) != steps.end();
}

bool is_sm(const Body& body, std::initializer_list<SmStep> steps) {
  const auto* sm = std::get_if<airlock::Sm>(&body);
  return sm != nullptr && std::ranges::find(steps, sm->step) != steps.end();
}

bool flows(const Body& body) {
  return std::holds_alternative<airlock::Stanza>(body) || std::holds_alternative<airlock::Settled>(body) ||
         std::holds_alternative<airlock::Credit>(body);
}

bool has_client_turn(Turn turn, const Body& body) {
  switch (turn) {
    case Turn::Auth:
      return is_sasl(body, {SaslStep::Auth});
    case Turn::Response:
      return is_sasl(body, {SaslStep::Response, SaslStep::Abort});
    case Turn::Bind:
      return std::holds_alternative<airlock::Bind>(body) || is_sm(body, {SmStep::Resume});
    case Turn::Open:
      return flows(body) || std::holds_alternative<airlock::Csi>(body) ||
             is_sm(body, {SmStep::Enable, SmStep::AckWanted});
    default:
      return false;
  }
}

bool has_server_turn(Turn turn, const Body& body) {
  switch (turn) {
    case Turn::Dialling:
      return std::holds_alternative<airlock::Ready>(body) || std::holds_alternative<airlock::Failed>(body);
    case Turn::Offer:
    case Turn::SessionOffer:
      return std::holds_alternative<airlock::Offer>(body);
    case Turn::Answer:
      return is_sasl(body, {SaslStep::Challenge, SaslStep::Success, SaslStep::Failure});
    case Turn::Aborting:
      return is_sasl(body, {SaslStep::Success, SaslStep::Failure});
    case Turn::Bound:
      return std::holds_alternative<airlock::Bound>(body);
    case Turn::Resumed:
      return is_sm(body, {SmStep::Resumed, SmStep::Failed});
    case Turn::Open:
      return flows(body) || is_sm(body, {SmStep::Enabled, SmStep::Failed, SmStep::AckWanted});
    default:
      return false;
  }
}

}  // namespace

bool has_turn(Turn turn, Side side, const Body& body) {
  return side == Side::Accepted ? has_client_turn(turn, body) : has_server_turn(turn, body);
}

}  // namespace sallyport::guard
