// Which iq requests may cross, by what they are addressed to (protocol.md ).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/octets.h"

namespace sallyport::policy {

/// What an address stands for, as far as it says so itself.
enum class Target : std::uint8_t {
  Domain,    ///< a home domain: its server
  Account,   ///< the bare JID of a user
  Session,   ///< the full JID of a user
  Service,   ///< a component as such
  Room,      ///< the bare JID of something at a component
  Occupant,  ///< the full JID of something at a component
};
inline constexpr Target kLastTarget = Target::Occupant;
std::string_view name(Target target);

/// One kind of request that may cross.
struct RequestGrant {
  Target to = Target::Domain;
  bool get = true, set = true;
  std::string ns;  ///< of the payload; "*": any
  static void fields(auto& s, auto&& f) { f(s.to, s.get, s.set, s.ns); }
  bool operator==(const RequestGrant&) const = default;
};

/// What may cross unless the policy says otherwise: enough for joining, using and leaving rooms, and to users whatever
/// the gate of presence and the payload stage let through. Whatever of a server itself is public, the guard answers
/// (domain_answer.h).
std::vector<RequestGrant> default_requests();

/// `type` is get or set.
bool grants(std::span<const RequestGrant> grants, Target to, std::string_view type, std::string_view ns);

}  // namespace sallyport::policy

namespace sallyport::inspect {
template <>
inline constexpr policy::Target kLast<policy::Target> = policy::kLastTarget;
}  // namespace sallyport::inspect
