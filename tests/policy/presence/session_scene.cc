#include "tests/policy/presence/session_scene.h"

#include <stdexcept>
#include <variant>

#include "inspect/names.h"
#include "inspect/normal_form.h"
#include "inspect/serializer.h"
#include "inspect/stream_parser.h"
#include "policy/bounce.h"
#include "policy/presence/roster.h"

namespace sallyport::policy::testing {
namespace {

Bundle session_bundle(presence::Settings settings) {
  Tables tables;
  tables.name = "session";
  tables.enclaves = {{.name = "north", .revocation = {}, .withdrawn = {}},
                     {.name = "south", .revocation = {}, .withdrawn = {}}};
  tables.domains = {{"north.test", 0, 0}, {"rooms.south.test", 1, 2}, {"south.test", 1, 2}};
  Login login;
  login.rule.id = "clients";
  login.rule.message = login.rule.presence = login.rule.iq = true;
  login.rule.presence_rules = std::move(settings);
  login.rule.jids = inspect::JidProfile::Unicode;
  login.enclave = 0;
  login.domain = 2;
  login.mechanisms = 1;
  tables.logins = {login};
  Peering back;
  back.id = "back";
  back.message = back.presence = true;
  tables.peerings = {back};
  tables.routes = {{0, 2, 0}};
  tables.settings.stages_off = static_cast<std::uint8_t>(0b1111100 & ~(1U << static_cast<unsigned>(Stage::Presence)));
  return *Bundle::make(std::move(tables));
}

std::string client_normal_form(const std::string& xml) {
  inspect::StreamParser parser(inspect::ns::kClient, inspect::ParserLimits{});
  parser.feed("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>" +
              xml);
  for (;;) {
    auto event = parser.next();
    if (!event || !*event) throw std::runtime_error("not a stanza: " + xml);
    if (const auto* stanza = std::get_if<inspect::StanzaRead>(&**event)) return std::string(stanza->normal_form);
  }
}

std::string attribute_of(const std::string& xml, const std::string& name) {
  const std::size_t at = xml.find(" " + name + "='");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + name.size() + 3;
  return xml.substr(begin, xml.find('\'', begin) - begin);
}

}  // namespace

SessionScene::SessionScene(presence::Settings settings) : bundle_(session_bundle(std::move(settings))) {
  now_.wall = std::chrono::sys_days(std::chrono::year(2026) / 3 / 4);
  now_.steady = std::chrono::hours(1);
}

SessionScene::Outcome SessionScene::send(const std::string& xml, bool from_client) {
  scratch_.arena.clear();
  const std::string octets = client_normal_form(xml);
  const auto stanza = inspect::decode(octets, scratch_.arena, inspect::ParserLimits{});
  if (!stanza) throw std::runtime_error("not in normal form: " + xml);
  const ClientSession session{"ann@south.test/desk", from_client, &ledger_, knows_roster_};
  const Crossing crossing{.from_enclave = from_client ? "north" : "south",
                          .to_enclave = from_client ? "south" : "north",
                          .lang = "",
                          .granted = {},
                          .client = &session,
                          .login = bundle_.login("north", *bundle_.domain("south.test"))};
  const Judgement judgement = judge(**stanza, octets.size(), crossing, now_, bundle_, scratch_);
  Outcome outcome;
  outcome.verdict = judgement.verdict;
  outcome.reason = judgement.reason;
  for (const Reason finding : judgement.findings) outcome.findings.emplace_back(code(finding));
  outcome.kept = judgement.intents.refusal.presence.keeps_stanza;
  if (outcome.crosses()) {
    inspect::serialize(**stanza, inspect::ns::kClient, outcome.xml);
  } else if (judgement.verdict == Verdict::Bounce) {
    inspect::serialize(*make_bounce(judgement.facts, judgement.fault, scratch_.arena), inspect::ns::kClient,
                       outcome.xml);
  }
  const Changes& changes = outcome.crosses() ? judgement.intents.release : judgement.intents.refusal;
  memory_.commit(changes, now_, ledger_);
  for (std::string& key : presence::follow(ledger_, changes.presence.roster, outcome.crosses(), now_)) {
    key.replace(key.find('\n'), 1, " ");
    ended_.push_back(std::move(key));
  }
  knows_roster_ = knows_roster_ || (outcome.crosses() && changes.presence.roster.whole());
  return outcome;
}

SessionScene::Outcome SessionScene::roster(const std::string& items) {
  const Outcome asked = client("<iq id='r' type='get'><query xmlns='jabber:iq:roster'/></iq>");
  if (!asked.crosses()) throw std::runtime_error("the roster can't be asked for: " + std::string(code(asked.reason)));
  return server("<iq id='" + attribute_of(asked.xml, "id") + "' type='result'><query xmlns='jabber:iq:roster'>" +
                items + "</query></iq>");
}

SessionScene::Outcome SessionScene::push(const std::string& item) {
  return server("<iq id='p' type='set'><query xmlns='jabber:iq:roster'>" + item + "</query></iq>");
}

void SessionScene::wait(std::chrono::milliseconds span) {
  now_.wall += span;
  now_.steady += span;
}

std::vector<std::string> SessionScene::injections() {
  std::vector<std::string> all;
  for (const presence::Due& due : ledger_.due(now_)) all.push_back(to_string(due));
  return all;
}

std::vector<std::string> SessionScene::take_ended() {
  return std::exchange(ended_, {});
}

}  // namespace sallyport::policy::testing
