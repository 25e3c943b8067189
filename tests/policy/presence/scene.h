// Two enclaves and a guard's memory, for the tests of the presence stage: stanzas in, verdicts out, time as it is told.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "policy/bundle.h"
#include "policy/pipeline.h"

namespace sallyport::policy::testing {

class PresenceScene {
 public:
  explicit PresenceScene(presence::Settings settings = {}, Transparency transparency = Transparency::Strict);

  /// What came of a stanza.
  struct Outcome {
    Verdict verdict = Verdict::Drop;
    Reason reason = Reason::PolicyUndecided;
    std::vector<std::string> findings;
    std::string xml;  ///< what leaves, if it does
    bool kept = false;
    bool crosses() const { return verdict == Verdict::Release || verdict == Verdict::Alter; }
  };
  /// Judges, and commits as a lane does. The enclave follows from the domain of `from`.
  Outcome send(const std::string& xml);
  Outcome presence(const std::string& from, const std::string& to, const std::string& type = "",
                   const std::string& inside = "");
  /// `watcher` asks and `watched` grants, an hour ago.
  void subscribe(const std::string& watcher, const std::string& watched);
  void wait(std::chrono::milliseconds span);
  /// What the guard sends of its own by now: "type from to".
  std::vector<std::string> injections();
  /// The guard dies and starts again, with what its store would hold. Gives the probes.
  std::vector<std::string> restart();

  presence::Ledger& ledger() { return memory_.ledger; }
  presence::Harvest& harvest() { return memory_.harvest; }
  const Moment& now() const { return now_; }

 private:
  Bundle bundle_;
  Memory memory_;
  Scratch scratch_{memory_};
  Moment now_;
};

std::string to_string(const presence::Due& due);

}  // namespace sallyport::policy::testing
