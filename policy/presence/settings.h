// What a peering says about presence.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::policy::presence {

/// Whose presence crosses (design.md section 10). Strict: of open pairs, and into and out of the listed room services.
/// Revoked: all but that of pairs which were cancelled or revoked. Open: all.
enum class Gate : std::uint8_t { Strict, Revoked, Open };
inline constexpr Gate kLastGate = Gate::Open;

/// For a site that installs the guard into a running federation. Learn: the gate refuses nothing but what was
/// cancelled, says in the record what it would have refused, and takes pairs down that are seen to stand. Warn: the
/// same without taking down. Enforce: it refuses.
enum class Phase : std::uint8_t { Enforce, Warn, Learn };
inline constexpr Phase kLastPhase = Phase::Learn;

/// What available presence may carry, as bits.
enum class Part : std::uint16_t {
  Show = 1,
  Status = 2,
  Priority = 4,
  Caps = 8,     ///< XEP-0115
  Idle = 16,    ///< XEP-0319
  Avatar = 32,  ///< XEP-0153
  Nick = 64,    ///< XEP-0172
  Delay = 128,  ///< XEP-0203, XEP-0091
  Other = 256,
};
inline constexpr std::uint16_t kAllParts = 511;
constexpr std::uint16_t bit(Part part) {
  return static_cast<std::uint16_t>(part);
}

struct Settings {
  Gate gate = Gate::Strict;
  Phase phase = Phase::Enforce;
  std::uint16_t parts = bit(Part::Show) | bit(Part::Status);  ///< design.md section 10: folded (P-03, P-14, P-15)
  std::uint16_t interval = 10;             ///< seconds between two presences of one resource to one watcher; 0: any
  std::uint16_t strangers = 60;            ///< P-44: how many strangers one sender may write to within an hour; 0: any
  std::vector<std::string> room_services;  ///< domains; sorted
  /// Home domains of either side whose accounts' resources the other side knows by other names (P-02); sorted.
  std::vector<std::string> hidden_resources;
  static void fields(auto& s, auto&& f) {
    f(s.gate, s.phase, s.parts, s.interval, s.strangers, s.room_services, s.hidden_resources);
  }
  bool operator==(const Settings&) const = default;

  bool carries(Part part) const { return (parts & bit(part)) != 0; }
  bool is_room_service(std::string_view domain) const {
    for (const std::string& each : room_services)
      if (each == domain) return true;
    return false;
  }
  bool hides_resources_of(std::string_view domain) const {
    for (const std::string& each : hidden_resources)
      if (each == domain) return true;
    return false;
  }
};

}  // namespace sallyport::policy::presence
