// A client's session of ann@south.test/desk, whose client is in the north: stanzas of both sides in, verdicts out.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "policy/bundle.h"
#include "policy/pipeline.h"
#include "tests/policy/presence/scene.h"

namespace sallyport::policy::testing {

class SessionScene {
 public:
  explicit SessionScene(presence::Settings settings = {});

  using Outcome = PresenceScene::Outcome;
  Outcome client(const std::string& xml) { return send(xml, true); }
  Outcome server(const std::string& xml) { return send(xml, false); }
  /// The client asks for its roster, and the server answers with these items.
  Outcome roster(const std::string& items);
  Outcome push(const std::string& item);
  void wait(std::chrono::milliseconds span);
  /// What the guard sends of its own by now: "type from to".
  std::vector<std::string> injections();
  /// Keys of pairs that do not stand, as other lanes would hear of them since the last call; "watcher watched".
  std::vector<std::string> take_ended();

  presence::Ledger& ledger() { return ledger_; }
  Memory& memory() { return memory_; }

 private:
  Outcome send(const std::string& xml, bool from_client);

  Bundle bundle_;
  Memory memory_;
  Scratch scratch_{memory_};
  presence::Ledger ledger_{Secret{}, presence::kMostOfSession};
  bool knows_roster_ = false;
  std::vector<std::string> ended_;
  Moment now_;
};

}  // namespace sallyport::policy::testing
