// The states of a leg, and which frame of an edge is legal in which (design.md section 4, docs/airlock.md).
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/airlock/frames.h"

namespace sallyport::guard {

/// Opened (or Dialling) ▸ Negotiating ▸ Held ▸ Open ▸ Draining ▸ Closed. Held: a pair is proved and its far leg
/// awaited. Draining: Close has passed one way, Closed has not passed both. An accepted leg passes through Opened
/// within one frame; a dialled one goes from Dialling to Open.
enum class Phase : std::uint8_t { Opened, Dialling, Negotiating, Held, Open, Draining, Closed };
inline constexpr Phase kLastPhase = Phase::Closed;
std::string_view name(Phase phase);

enum class Side : std::uint8_t { Accepted, Dialled };
std::string_view name(Side side);

/// Alarm: the frame is out of turn and ends its leg.
enum class Ruling : std::uint8_t { Take, Ignore, Alarm };

/// What becomes of a frame that an edge sent for a leg that lives. No frame is legal unless this table says so.
Ruling ruling(Side side, Phase phase, const airlock::Body& body);

}  // namespace sallyport::guard
