#include "proxy/guard/phase.h"

#include <array>
#include <initializer_list>

namespace sallyport::guard {
namespace {

using airlock::Body;

/// A set of phases.
class Phases {
 public:
  constexpr Phases() = default;
  constexpr Phases(std::initializer_list<Phase> phases) {
    for (const Phase phase : phases) bits_ |= bit(phase);
  }
  constexpr bool has(Phase phase) const { return (bits_ & bit(phase)) != 0; }

 private:
  static constexpr unsigned bit(Phase phase) { return 1U << static_cast<unsigned>(phase); }
  unsigned bits_ = 0;
};

struct Row {
  Phases accepted, dialled;
};

/// The phases in which a frame is taken. Frames that only the guard sends have no row, so they never are.
template <class Frame>
constexpr Row kLegal = {};
template <>
constexpr Row kLegal<airlock::Proved> = {{Phase::Negotiating, Phase::Open}, {}};
template <>
constexpr Row kLegal<airlock::Stanza> = {{Phase::Open}, {}};
template <>
constexpr Row kLegal<airlock::Ready> = {{}, {Phase::Dialling}};
template <>
constexpr Row kLegal<airlock::Failed> = {{}, {Phase::Dialling, Phase::Draining}};
template <>
constexpr Row kLegal<airlock::Credit> = {{}, {Phase::Open}};
template <>
constexpr Row kLegal<airlock::Settled> = {{}, {Phase::Open, Phase::Draining}};
template <>
constexpr Row kLegal<airlock::Close> = {{Phase::Negotiating, Phase::Held, Phase::Open}, {Phase::Open}};
template <>
constexpr Row kLegal<airlock::Closed> = {{Phase::Negotiating, Phase::Held, Phase::Open, Phase::Draining},
                                         {Phase::Open, Phase::Draining}};
template <>
constexpr Row kLegal<airlock::Event> = {
    {Phase::Negotiating, Phase::Held, Phase::Open, Phase::Draining},
    {Phase::Dialling, Phase::Open, Phase::Draining},
};

}  // namespace

std::string_view name(Phase phase) {
  static constexpr std::array<std::string_view, 7> kNames = {"opened", "dialling", "negotiating", "held",
                                                             "open",   "draining", "closed"};
  return kNames[static_cast<std::size_t>(phase)];
}

std::string_view name(Side side) {
  return side == Side::Accepted ? "accepted" : "dialled";
}

Ruling ruling(Side side, Phase phase, const Body& body) {
  const Row row = std::visit([]<class Frame>(const Frame&) { return kLegal<Frame>; }, body);
  const Phases& legal = side == Side::Accepted ? row.accepted : row.dialled;
  if (legal.has(phase)) return Ruling::Take;
  return phase == Phase::Draining ? Ruling::Ignore : Ruling::Alarm;
}

}  // namespace sallyport::guard
