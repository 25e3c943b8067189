// A client's session between two edges that are played by the test: the client is in north, its server in south.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "guard_scene.h"
#include "inspect/mechanism.h"
#include "proxy/guard/session.h"

namespace sallyport::guard {

using inspect::Mechanism;

inline constexpr LegId kClient = 2;  ///< the leg that most tests accept
inline const std::string kAccount = "bob@bravo.test";
inline const std::string kBobsJid = "bob@bravo.test/phone";

inline std::uint32_t bits(std::initializer_list<Mechanism> all) {
  inspect::Mechanisms mechanisms;
  for (const Mechanism each : all) mechanisms.add(each);
  return mechanisms.bits();
}

/// Clients of north may log in to bravo.test by PLAIN, SCRAM-SHA-1, OAUTHBEARER and EXTERNAL.
inline policy::Login login() {
  policy::Login login;
  login.rule.id = "roaming";
  login.rule.message = login.rule.presence = login.rule.iq = true;
  login.enclave = 0;
  login.domain = 1;
  login.mechanisms = bits({Mechanism::Plain, Mechanism::ScramSha1, Mechanism::OAuthBearer, Mechanism::External});
  return login;
}

inline policy::Tables tables_with(const policy::Login& login) {
  policy::Tables all = tables();
  all.logins = {login};
  return all;
}

inline airlock::Sasl sasl(airlock::SaslStep step, std::string octets = {}, bool has_octets = true) {
  airlock::Sasl frame;
  frame.step = step;
  frame.has_octets = has_octets;
  frame.octets = std::move(octets);
  return frame;
}
inline airlock::Sasl plain(const std::string& name = "bob", const std::string& authzid = "") {
  airlock::Sasl frame = sasl(airlock::SaslStep::Auth, authzid + '\0' + name + '\0' + "secret");
  frame.mechanism = Mechanism::Plain;
  return frame;
}
inline airlock::Sasl success() {
  return sasl(airlock::SaslStep::Success, {}, false);
}
inline airlock::Sasl failure(inspect::SaslCondition condition = inspect::SaslCondition::NotAuthorized) {
  airlock::Sasl frame = sasl(airlock::SaslStep::Failure, {}, false);
  frame.condition = condition;
  return frame;
}
inline airlock::Sm sm(airlock::SmStep step, std::string id = {}, std::uint32_t h = 0) {
  airlock::Sm frame;
  frame.step = step;
  frame.id = std::move(id);
  frame.h = h;
  frame.has_h = step == airlock::SmStep::Resume || step == airlock::SmStep::Resumed;
  return frame;
}
inline airlock::Sm enable() {
  airlock::Sm frame = sm(airlock::SmStep::Enable);
  frame.resume = true;
  return frame;
}
inline airlock::Sm enabled(std::string id = "server-id") {
  airlock::Sm frame = sm(airlock::SmStep::Enabled, std::move(id));
  frame.resume = true;
  frame.max = 300;
  return frame;
}

class SessionScene : public Scene {
 public:
  explicit SessionScene(const policy::Login& with = login(), LaneSettings settings = default_settings())
      : SessionScene(tables_with(with), std::move(settings)) {}
  explicit SessionScene(policy::Tables tables, LaneSettings settings = default_settings())
      : Scene(std::move(settings), 1 << 30, bundle(std::move(tables))) {}

  static airlock::Opened client_opened(std::string from = "", std::string to = "bravo.test") {
    airlock::Opened frame = opened(std::move(from), std::move(to));
    frame.kind = airlock::LegKind::C2s;
    frame.certificate = {};
    return frame;
  }
  void client(const airlock::Body& body, LegId leg = kClient) { frame(kNorth, leg, body); }
  void server(const airlock::Body& body) { frame(kSouth, far, body); }

  static airlock::Offer offer(std::uint32_t mechanisms = bits({Mechanism::Plain, Mechanism::ScramSha1,
                                                               Mechanism::External})) {
    airlock::Offer frame;
    frame.mechanisms = mechanisms;
    return frame;
  }
  static airlock::Offer session_offer(std::uint32_t features = airlock::kAllFeatures) {
    airlock::Offer frame;
    frame.stage = airlock::OfferStage::Session;
    frame.features = features;
    return frame;
  }

  // The steps of a session, each after those before it. A client that comes again has another leg.
  void knock_as_client(LegId leg = kClient) {
    near = leg;
    client(client_opened(), near);
    far = last_dial();
  }
  void offered(LegId leg = kClient) {
    knock_as_client(leg);
    server(ready("", "bravo.test"));
    server(offer());
  }
  void logged_in(LegId leg = kClient) {
    offered(leg);
    client(plain(), near);
    server(success());
    server(session_offer(features));
  }
  void stands(LegId leg = kClient) {
    logged_in(leg);
    client(airlock::Bind{"phone"}, near);
    server(airlock::Bound{kBobsJid, {}});
    server(credit(1 << 30, 1 << 20));
    client(credit(1 << 30, 1 << 20), near);
  }
  /// ... and may be resumed. Gives the id that the client has.
  std::string managed(LegId leg = kClient) {
    stands(leg);
    client(enable(), near);
    server(enabled());
    return last<airlock::Sm>(kNorth).id;
  }

  LegId near = kClient, far = airlock::kNoLeg;
  std::uint32_t features = airlock::kAllFeatures;
};

}  // namespace sallyport::guard
