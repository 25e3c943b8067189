// The stream state machines, played through dialogues. Each section of a *.dialogues file is one test: what is put in
// and what comes out, line by line, has to be exactly that.
//
// In:  `peer TEXT`      what the peer sends, in one read
//      `tls [sni=X] [bad]`  the handshake is done; bad: the peer's certificate is not good for the domain it is asked
//      for `tls failed`, `guard FRAME ...`, `deadline`, `lost`, `sever CONDITION`
//      `guard Deliver TEXT`, `guard Handled N`, `guard Sm STEP ...`: see sm_frame()
// Out: `we TEXT`, `start tls NAME`, `ask FRAME ...`, `stanza`, `note CODE`, `end HOW: CAUSE`
// `as NAME` stands for all lines of an earlier section.
// [header ...], [error CONDITION] and the names in kShort stand for longer text, in both directions.
#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "inspect/errors.h"
#include "inspect/names.h"
#include "inspect/normal_form.h"
#include "inspect/serializer.h"
#include "proxy/edge/client_face.h"
#include "proxy/edge/conversation.h"
#include "proxy/edge/initiating.h"
#include "proxy/edge/receiving.h"
#include "proxy/edge/server_face.h"
#include "proxy/edge/stream_text.h"
#include "tests/places.h"

namespace sallyport::edge {
namespace {

const std::map<std::string, std::string> kShort = {
    {"[tls feature]", std::string(kClearFeatures)},
    {"[external]", std::string(kExternalFeatures)},
    {"[starttls]", std::string(kStartTls)},
    {"[proceed]", std::string(kProceed)},
    {"[success]", std::string(kSaslSuccess)},
    {"[challenge]", std::string(kEmptyChallenge)},
    {"[no features]", std::string(kNoFeatures)},
    {"[end]", std::string(kClosingTag)},
    {"[auth", "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"},
    {"[/auth]", "</auth>"},
    {"[stanza]", "<message to='y@b.test' from='x@a.test'><body>hi</body></message>"},
};

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

std::string stream_error(const std::string& condition) {
  std::string text;
  inspect::write_stream_error({inspect::stream_condition(condition).value(), {}, {}}, text);
  return text;
}

std::string header_start(std::string_view content_namespace) {
  return "<stream:stream xmlns='" + std::string(content_namespace) +
         "' xmlns:stream='http://etherx.jabber.org/streams'";
}

/// What the peer's line stands for.
std::string expand(std::string text, std::string_view content_namespace = inspect::ns::kServer) {
  for (std::size_t at = 0; (at = text.find("[header", at)) != std::string::npos;) {
    const std::size_t end = text.find(']', at);
    const std::string attributes = text.substr(at + 7, end - at - 7);
    const bool versioned = attributes.find("version=") != std::string::npos;
    text.replace(
        at, end - at + 1,
        "<?xml version='1.0'?>" + header_start(content_namespace) + attributes + (versioned ? ">" : " version='1.0'>"));
  }
  for (std::size_t at = 0; (at = text.find("[error ", at)) != std::string::npos;) {
    const std::size_t end = text.find(']', at);
    text.replace(at, end - at + 1, stream_error(text.substr(at + 7, end - at - 7)));
  }
  for (const auto& [name, long_text] : kShort) replace_all(text, name, long_text);
  return text;
}

/// The same for what we write, the other way round.
std::string contract(std::string text, std::string_view content_namespace) {
  for (const auto& [name, long_text] : kShort) replace_all(text, long_text, name);
  for (std::size_t i = 0; i <= static_cast<std::size_t>(inspect::kLastStreamCondition); ++i) {
    const std::string condition(inspect::name(static_cast<inspect::StreamCondition>(i)));
    std::string error;
    inspect::write_stream_error({static_cast<inspect::StreamCondition>(i), {}, {}}, error);
    replace_all(error, std::string(kClosingTag), "[end]");
    replace_all(text, error, "[error " + condition + "]");
  }
  const std::string start = "<?xml version='1.0'?>" + header_start(content_namespace);
  for (std::size_t at = 0; (at = text.find(start, at)) != std::string::npos;) {
    const std::size_t end = text.find('>', at + start.size());
    std::string attributes = text.substr(at + start.size(), end - at - start.size());
    replace_all(attributes, " version='1.0'", "");
    replace_all(attributes, " xml:lang='en'", "");
    text.replace(at, end - at + 1, "[header" + attributes + "]");
  }
  return text;
}

struct Dialogue {
  std::string name;
  std::string lines;
};

void PrintTo(const Dialogue& dialogue, std::ostream* out) {
  *out << dialogue.name;
}

std::vector<Dialogue> read_dialogues(const std::string& file) {
  std::ifstream in(std::string(SALLYPORT_TESTS_DIR) + "/proxy/edge/" + file);
  std::vector<Dialogue> dialogues;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    if (line.starts_with("== "))
      dialogues.push_back({line.substr(3), {}});
    else if (line.starts_with("as "))
      dialogues.back().lines += std::ranges::find(dialogues, line.substr(3), &Dialogue::name)->lines;
    else
      dialogues.back().lines += line + "\n";
  }
  return dialogues;
}

/// Runs the inputs of a dialogue and writes down what really happens.
class Stage {
 public:
  Stage(Machine& machine, bool good_certificate_for_all)
      : machine_(machine), conversation_(machine), good_(good_certificate_for_all) {
    machine.start(conversation_.actions());
    drain();
  }

  std::string play(const std::string& script) {
    std::istringstream lines(script);
    for (std::string line; std::getline(lines, line);) {
      const std::string verb = line.substr(0, line.find(' '));
      const std::string rest = line.size() > verb.size() ? line.substr(verb.size() + 1) : "";
      if (!input(verb, rest)) continue;
      transcript_ += line + "\n";
      flush_written();
      drain();
    }
    flush_written();
    return transcript_;
  }

 private:
  bool input(const std::string& verb, const std::string& rest) {
    Actions& actions = conversation_.actions();
    // What came out before this input belongs above it.
    flush_written();
    if (verb == "peer") {
      EXPECT_TRUE(conversation_.hungry()) << "not read: " << rest;
      if (conversation_.hungry()) conversation_.feed(expand(rest, machine_.content_namespace()));
    } else if (verb == "tls") {
      if (rest == "failed")
        machine_.on_tls_failed("handshake failure", actions);
      else
        machine_.on_secure(secured(rest), actions);
    } else if (verb == "guard") {
      guard(rest, actions);
    } else if (verb == "deadline") {
      machine_.on_deadline(actions);
    } else if (verb == "lost") {
      machine_.on_lost("connection reset", actions);
    } else if (verb == "sever") {
      machine_.sever({inspect::stream_condition(rest).value(), "by us", {}}, actions);
    } else {
      return false;
    }
    return true;
  }

  Secured secured(const std::string& rest) {
    Secured secured;
    secured.tls.secure = true;
    if (const auto at = rest.find("sni="); at != std::string::npos)
      secured.tls.server_name = rest.substr(at + 4, rest.find(' ', at) - at - 4);
    const bool bad = rest.find("bad") != std::string::npos;
    secured.judge = [this, bad](std::string_view) {
      Judgement judgement;
      judgement.facts.presented = true;
      judgement.good = good_ && !bad;
      return judgement;
    };
    return secured;
  }

  void guard(const std::string& rest, Actions& actions) {
    std::istringstream words(rest);
    std::string frame, first, second;
    std::uint32_t number = 0;
    words >> frame >> first >> second >> number;
    if (frame == "Deliver") {
      written_ += expand(rest.substr(frame.size() + 1), machine_.content_namespace());
      machine_.on_delivered(++delivered_);
      written_ += machine_.ack_request();
    } else if (frame == "Handled")
      machine_.on_handled({std::stoul(first)}, actions);
    else if (frame == "Sm")
      machine_.on_session(sm_frame(rest.substr(frame.size() + 1)), actions);
    else if (frame == "Terms")
      machine_.on_terms({0, first == "external", false, 10'000}, actions);
    else if (frame == "Grant")
      machine_.on_grant({{{"a.test", "b.test"}}, 1000, 10}, actions);
    else if (frame == "Refuse")
      machine_.on_refuse({inspect::stream_condition(first).value()}, actions);
    else if (frame == "Close" && first == "clean")
      machine_.on_close({airlock::CloseKind::Clean, {}, {}, {}}, actions);
    else if (frame == "Close" && first == "abort")
      machine_.on_close({airlock::CloseKind::Abort, {}, {}, {}}, actions);
    else if (frame == "Close")
      machine_.on_close({airlock::CloseKind::Condition, inspect::stream_condition(first).value(), {}, {}}, actions);
    else if (frame == "Closed")
      machine_.on_closed(actions);
    else if (const auto body = session_frame(frame, first, second, words ? number : 0))
      machine_.on_session(*body, actions);
    else
      ADD_FAILURE() << "no such frame: " << frame;
  }

  /// `Offer login MECHANISM [BINDINGS]`, `Offer session FEATURES`, `Sasl STEP [OCTETS or CONDITION]`, `Bind
  /// [RESOURCE]`, `Bound [JID or error CONDITION]`, `Csi active|inactive`.
  static std::optional<airlock::Body> session_frame(const std::string& frame, const std::string& first,
                                                    const std::string& second, std::uint32_t bindings) {
    if (frame == "Offer" && first == "login") {
      inspect::Mechanisms mechanisms;
      mechanisms.add(inspect::mechanism(second).value());
      return airlock::Offer{airlock::OfferStage::Authentication, mechanisms.bits(), 0, 0, bindings};
    }
    if (frame == "Offer")
      return airlock::Offer{airlock::OfferStage::Session, 0, static_cast<std::uint32_t>(std::stoul(second)), 0};
    if (frame == "Sasl") {
      airlock::Sasl step;
      step.step = static_cast<airlock::SaslStep>(std::ranges::find(kSteps, first) - kSteps.begin());
      if (first == "failure")
        step.condition = inspect::sasl_condition(second).value();
      else if (first == "auth")
        step.mechanism = inspect::mechanism(second).value();
      else
        step.has_octets = !second.empty();
      if (step.has_octets) step.octets = std::string_view(second);
      return step;
    }
    if (frame == "Bind") return airlock::Bind{first};
    if (frame == "Bound" && first == "error") return airlock::Bound{"", inspect::stanza_condition(second).value()};
    if (frame == "Bound") return airlock::Bound{first, {}};
    if (frame == "Csi") return airlock::Csi{first == "active"};
    return std::nullopt;
  }

  /// `STEP [id=X] [resume] [max=N] [h=N] [CONDITION]`.
  static airlock::Sm sm_frame(const std::string& text) {
    std::istringstream words(text);
    airlock::Sm sm;
    std::string word;
    words >> word;
    sm.step = static_cast<airlock::SmStep>(std::ranges::find(kSmSteps, word) - kSmSteps.begin());
    while (words >> word) {
      if (word.starts_with("id="))
        sm.id = word.substr(3);
      else if (word.starts_with("max="))
        sm.max = static_cast<std::uint32_t>(std::stoul(word.substr(4)));
      else if (word.starts_with("h=")) {
        sm.has_h = true;
        sm.h = static_cast<std::uint32_t>(std::stoul(word.substr(2)));
      } else if (word == "resume")
        sm.resume = true;
      else
        sm.condition = inspect::stanza_condition(word).value();
    }
    return sm;
  }

  static std::string shown_sm(const airlock::Sm& sm) {
    std::string text(kSmSteps[static_cast<std::size_t>(sm.step)]);
    if (!sm.id.empty()) text += " id=" + sm.id;
    if (sm.resume) text += " resume";
    if (sm.max != 0) text += " max=" + std::to_string(sm.max);
    if (sm.has_h) text += " h=" + std::to_string(sm.h);
    if (sm.step == airlock::SmStep::Failed) text += " " + std::string(inspect::name(sm.condition));
    return text;
  }

  void drain() {
    while (auto step = conversation_.next()) {
      if (std::holds_alternative<inspect::StanzaRead>(*step)) {
        put("stanza");
        machine_.on_read(++read_);
      } else
        show(std::get<Action>(*step));
    }
  }

  void show(const Action& action) {
    if (const auto* write = std::get_if<Write>(&action)) written_ += write->text;
    if (const auto* tls = std::get_if<StartTls>(&action))
      put(tls->server_name.empty() ? "start tls" : "start tls " + tls->server_name);
    if (const auto* ask = std::get_if<Ask>(&action)) put("ask " + shown(ask->frame));
    if (const auto* note = std::get_if<Note>(&action)) put("note " + note->code);
    if (const auto* end = std::get_if<Finish>(&action)) {
      const std::string how = end->abort ? "abort" : end->clean ? "clean" : "unclean";
      put("end " + how + ": " + end->cause);
    }
  }

  static std::string shown(const airlock::Body& body) {
    std::string text(airlock::name(body));
    if (const auto* opened = std::get_if<airlock::Opened>(&body)) text += " " + opened->from + " " + opened->to;
    if (const auto* proved = std::get_if<airlock::Proved>(&body)) text += " " + proved->from + " " + proved->to;
    if (const auto* ready = std::get_if<airlock::Ready>(&body))
      text += " " + ready->from + " " + ready->to + " " + std::to_string(ready->stanza_octets);
    if (const auto* failed = std::get_if<airlock::Failed>(&body)) {
      static const std::map<airlock::DialFault, std::string> kFaults = {
          {airlock::DialFault::NoName, "NoName"},     {airlock::DialFault::NoAnswer, "NoAnswer"},
          {airlock::DialFault::Tls, "Tls"},           {airlock::DialFault::Certificate, "Certificate"},
          {airlock::DialFault::Refused, "Refused"},   {airlock::DialFault::Protocol, "Protocol"},
          {airlock::DialFault::Deadline, "Deadline"}, {airlock::DialFault::Overload, "Overload"}};
      text += " " + kFaults.at(failed->fault) + ": " + failed->why;
    }
    if (const auto* offer = std::get_if<airlock::Offer>(&body))
      text += " " + std::to_string(offer->mechanisms) + " " + std::to_string(offer->features) + " " +
              std::to_string(offer->stanza_octets) +
              (offer->bindings == 0 ? "" : " bindings " + std::to_string(offer->bindings));
    if (const auto* step = std::get_if<airlock::Sasl>(&body)) {
      text += " " + std::string(kSteps[static_cast<std::size_t>(step->step)]);
      if (step->step == airlock::SaslStep::Auth) text += " " + std::string(inspect::name(step->mechanism));
      if (step->step == airlock::SaslStep::Failure) text += " " + std::string(inspect::name(step->condition));
      if (step->has_octets) text += " '" + std::string(step->octets.view()) + "'";
    }
    if (const auto* bind = std::get_if<airlock::Bind>(&body)) text += " " + bind->resource;
    if (const auto* bound = std::get_if<airlock::Bound>(&body))
      text += " " + (bound->jid.empty() ? std::string(inspect::name(bound->condition)) : bound->jid);
    if (const auto* sm = std::get_if<airlock::Sm>(&body)) text += " " + shown_sm(*sm);
    if (const auto* settled = std::get_if<airlock::Settled>(&body)) text += " " + std::to_string(settled->number);
    if (const auto* csi = std::get_if<airlock::Csi>(&body)) text += csi->active ? " active" : " inactive";
    if (const auto* close = std::get_if<airlock::Close>(&body))
      text += close->kind == airlock::CloseKind::Clean ? " clean" : " " + std::string(inspect::name(close->condition));
    return text;
  }

  void put(const std::string& line) {
    flush_written();
    transcript_ += line + "\n";
  }
  void flush_written() {
    if (!written_.empty())
      transcript_ += "we " + contract(std::exchange(written_, {}), machine_.content_namespace()) + "\n";
  }

  static constexpr std::array<std::string_view, 6> kSteps = {"auth",    "challenge", "response",
                                                             "success", "failure",   "abort"};

  static constexpr std::array<std::string_view, 6> kSmSteps = {"enable",  "enabled", "resume",
                                                               "resumed", "failed",  "ack-wanted"};

  Machine& machine_;
  Conversation conversation_;
  std::uint64_t read_ = 0, delivered_ = 0;
  bool good_;
  std::string written_, transcript_;
};

std::string test_name(const testing::TestParamInfo<Dialogue>& info) {
  return info.param.name.substr(0, info.param.name.find(' '));
}

ReceivingSettings receiving_settings(bool direct) {
  ReceivingSettings settings;
  settings.direct_tls = direct;
  settings.endpoints = {"[::1]:40000", "[::1]:5269"};
  settings.serves = [](std::string_view domain) {
    return domain == "b.test" || domain == "c.test" || domain == "keyless.test";
  };
  settings.has_certificate = [](std::string_view domain) { return domain != "keyless.test"; };
  settings.stream_id = [count = 0]() mutable { return "ID" + std::to_string(++count); };
  return settings;
}

class ReceivingDialogue : public testing::TestWithParam<Dialogue> {};

TEST_P(ReceivingDialogue, GoesAsWritten) {
  const bool direct = GetParam().name.ends_with(" (direct)");
  Receiving machine(receiving_settings(direct));
  Stage stage(machine, true);
  EXPECT_EQ(stage.play(GetParam().lines), GetParam().lines);
}

INSTANTIATE_TEST_SUITE_P(Edge, ReceivingDialogue, testing::ValuesIn(read_dialogues("receiving.dialogues")), test_name);

class InitiatingDialogue : public testing::TestWithParam<Dialogue> {};

TEST_P(InitiatingDialogue, GoesAsWritten) {
  const bool direct = GetParam().name.ends_with(" (direct)");
  Initiating machine({direct, "b.test", "a.test", "[::1]:5269"});
  Stage stage(machine, true);
  EXPECT_EQ(stage.play(GetParam().lines), GetParam().lines);
}

INSTANTIATE_TEST_SUITE_P(Edge, InitiatingDialogue, testing::ValuesIn(read_dialogues("initiating.dialogues")),
                         test_name);

ClientFaceSettings client_face_settings(bool direct) {
  ClientFaceSettings settings;
  settings.direct_tls = direct;
  settings.endpoints = {"[::1]:40000", "[::1]:5222"};
  settings.serves = [](std::string_view domain) { return domain == "b.test" || domain == "keyless.test"; };
  settings.has_certificate = [](std::string_view domain) { return domain != "keyless.test"; };
  settings.stream_id = [count = 0]() mutable { return "ID" + std::to_string(++count); };
  return settings;
}

class ClientFaceDialogue : public testing::TestWithParam<Dialogue> {};

TEST_P(ClientFaceDialogue, GoesAsWritten) {
  const bool direct = GetParam().name.ends_with(" (direct)");
  ClientFace machine(client_face_settings(direct));
  Stage stage(machine, true);
  EXPECT_EQ(stage.play(GetParam().lines), GetParam().lines);
}

INSTANTIATE_TEST_SUITE_P(Edge, ClientFaceDialogue, testing::ValuesIn(read_dialogues("client_face.dialogues")),
                         test_name);

class ServerFaceDialogue : public testing::TestWithParam<Dialogue> {};

TEST_P(ServerFaceDialogue, GoesAsWritten) {
  const bool direct = GetParam().name.ends_with(" (direct)");
  ServerFace machine({direct, "user@b.test", "b.test", "[::1]:5222", [] { return std::string("BIND1"); }});
  Stage stage(machine, true);
  EXPECT_EQ(stage.play(GetParam().lines), GetParam().lines);
}

INSTANTIATE_TEST_SUITE_P(Edge, ServerFaceDialogue, testing::ValuesIn(read_dialogues("server_face.dialogues")),
                         test_name);

TEST(Conversation, AStanzaThatWaitsForCreditSurvivesTheSleepOfItsParser) {
  Receiving machine(receiving_settings(true));
  Conversation conversation(machine);
  const auto take_actions = [&] {
    while (conversation.next(false)) {
    }
  };
  const auto peer = [&](const std::string& text) {
    ASSERT_TRUE(conversation.hungry()) << text;
    conversation.feed(expand(text));
    take_actions();
  };
  machine.start(conversation.actions());
  take_actions();
  Secured secured;
  secured.judge = [](std::string_view) { return Judgement{{}, true}; };
  machine.on_secure(std::move(secured), conversation.actions());
  take_actions();
  peer("[header to='b.test' from='a.test']");
  machine.on_terms({0, true, false, 10'000}, conversation.actions());
  take_actions();
  peer("[auth mechanism='EXTERNAL'>=[/auth]");
  machine.on_grant({}, conversation.actions());
  take_actions();
  peer("[header to='b.test' from='a.test']");
  peer("[stanza]");
  ASSERT_FALSE(conversation.hungry());
  conversation.hibernate();
  const auto step = conversation.next(true);
  ASSERT_TRUE(step && std::holds_alternative<inspect::StanzaRead>(*step));
  inspect::Arena arena(2048);
  const auto stanza = inspect::decode(std::get<inspect::StanzaRead>(*step).normal_form, arena, inspect::ParserLimits{});
  ASSERT_TRUE(stanza) << stanza.error().what;
  EXPECT_EQ((*stanza)->name, "message");
  conversation.hibernate();
  EXPECT_TRUE(conversation.hibernates());
}

}  // namespace
}  // namespace sallyport::edge
