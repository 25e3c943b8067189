#include "policy/tracking/request_grant.h"

#include <algorithm>

#include "inspect/names.h"

namespace sallyport::policy {

namespace ns = inspect::ns;

std::string_view name(Target target) {
  switch (target) {
    case Target::Domain:
      return "domain";
    case Target::Account:
      return "account";
    case Target::Session:
      return "session";
    case Target::Service:
      return "service";
    case Target::Room:
      return "room";
    case Target::Occupant:
      return "occupant";
  }
  return {};
}

std::vector<RequestGrant> default_requests() {
  const auto get = [](Target to, std::string_view which) { return RequestGrant{to, true, false, std::string(which)}; };
  const auto set = [](Target to, std::string_view which) { return RequestGrant{to, false, true, std::string(which)}; };
  return {
      RequestGrant{Target::Account, true, true, "*"},
      RequestGrant{Target::Session, true, true, "*"},
      get(Target::Service, ns::kDiscoInfo),
      get(Target::Service, ns::kDiscoItems),
      get(Target::Service, ns::kPing),
      get(Target::Room, ns::kDiscoInfo),
      // A moderator's kick or ban; asking for the lists of members is not among it (protocol.md P-10).
      set(Target::Room, ns::kMucAdmin),
      // XEP-0410: whether one is still in the room.
      get(Target::Occupant, ns::kPing),
  };
}

bool grants(std::span<const RequestGrant> grants, Target to, std::string_view type, std::string_view wanted) {
  return std::ranges::any_of(grants, [&](const RequestGrant& grant) {
    return grant.to == to && (grant.ns == wanted || grant.ns == "*") && (type == "set" ? grant.set : grant.get);
  });
}

}  // namespace sallyport::policy
