#include "tests/policy/presence/scene.h"

#include <stdexcept>
#include <variant>

#include "inspect/names.h"
#include "inspect/normal_form.h"
#include "inspect/serializer.h"
#include "inspect/stream_parser.h"
#include "policy/bounce.h"

namespace sallyport::policy::testing {
namespace {

constexpr std::string_view kDomains[] = {"north.test", "rooms.north.test", "rooms.south.test", "south.test"};

Bundle make_bundle(presence::Settings settings, Transparency transparency) {
  Tables tables;
  tables.name = "presence";
  tables.enclaves = {{.name = "north", .revocation = {}, .withdrawn = {}},
                     {.name = "south", .revocation = {}, .withdrawn = {}}};
  tables.domains = {{"north.test", 0, 0}, {"rooms.north.test", 0, 0}, {"rooms.south.test", 1, 3}, {"south.test", 1, 3}};
  Peering all;
  all.id = "all";
  all.message = all.presence = all.iq = true;
  all.presence_rules = std::move(settings);
  tables.peerings = {all};
  tables.routes = {{0, 2, 0}, {0, 3, 0}, {1, 3, 0}, {2, 0, 0}, {3, 0, 0}, {3, 1, 0}};
  tables.settings.transparency = transparency;
  tables.settings.stages_off = static_cast<std::uint8_t>(0b1111100 & ~(1U << static_cast<unsigned>(Stage::Presence)));
  return *Bundle::make(std::move(tables));
}

std::string normal_form(const std::string& xml) {
  inspect::StreamParser parser(inspect::ns::kServer, inspect::ParserLimits{});
  parser.feed("<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>" +
              xml);
  for (;;) {
    auto event = parser.next();
    if (!event || !*event) throw std::runtime_error("not a stanza: " + xml);
    if (const auto* stanza = std::get_if<inspect::StanzaRead>(&**event)) return std::string(stanza->normal_form);
  }
}

}  // namespace

std::string to_string(const presence::Due& due) {
  return (due.what == presence::Due::What::Probe ? "probe " : "unavailable ") + due.from + " " + due.to;
}

PresenceScene::PresenceScene(presence::Settings settings, Transparency transparency)
    : bundle_(make_bundle(std::move(settings), transparency)) {
  now_.wall = std::chrono::sys_days(std::chrono::year(2026) / 3 / 4);
  now_.steady = std::chrono::hours(1);
}

PresenceScene::Outcome PresenceScene::send(const std::string& xml) {
  scratch_.arena.clear();
  const std::string octets = normal_form(xml);
  const auto stanza = inspect::decode(octets, scratch_.arena, inspect::ParserLimits{});
  if (!stanza) throw std::runtime_error("not in normal form: " + xml);
  const auto* from = (*stanza)->attribute("from");
  const std::string_view domain = from ? Address::of_prepared(*from).domain : std::string_view();
  const bool north = domain.ends_with("north.test");
  std::vector<Pair> granted;
  for (const std::string_view a : kDomains)
    for (const std::string_view b : kDomains)
      if (a.ends_with("north.test") == north && b.ends_with("north.test") != north)
        granted.push_back({std::string(a), std::string(b)});
  const Crossing crossing{.from_enclave = north ? "north" : "south",
                          .to_enclave = north ? "south" : "north",
                          .lang = "",
                          .granted = granted};
  const Judgement judgement = judge(**stanza, octets.size(), crossing, now_, bundle_, scratch_);
  Outcome outcome;
  outcome.verdict = judgement.verdict;
  outcome.reason = judgement.reason;
  for (const Reason finding : judgement.findings) outcome.findings.emplace_back(code(finding));
  outcome.kept = judgement.intents.refusal.presence.keeps_stanza;
  if (outcome.crosses()) {
    inspect::serialize(**stanza, inspect::ns::kServer, outcome.xml);
  } else if (judgement.verdict == Verdict::Bounce) {
    inspect::serialize(*make_bounce(judgement.facts, judgement.fault, scratch_.arena), inspect::ns::kServer,
                       outcome.xml);
  }
  memory_.commit(outcome.crosses() ? judgement.intents.release : judgement.intents.refusal, now_);
  return outcome;
}

PresenceScene::Outcome PresenceScene::presence(const std::string& from, const std::string& to, const std::string& type,
                                               const std::string& inside) {
  return send("<presence from='" + from + "' to='" + to + "'" + (type.empty() ? "" : " type='" + type + "'") + ">" +
              inside + "</presence>");
}

void PresenceScene::subscribe(const std::string& watcher, const std::string& watched) {
  if (!presence(watcher, watched, "subscribe").crosses() || !presence(watched, watcher, "subscribed").crosses())
    throw std::runtime_error("no subscription");
  wait(std::chrono::hours(1));
}

void PresenceScene::wait(std::chrono::milliseconds span) {
  now_.wall += span;
  now_.steady += span;
}

std::vector<std::string> PresenceScene::injections() {
  std::vector<std::string> all;
  for (const presence::Due& due : memory_.ledger.due(now_)) all.push_back(to_string(due));
  return all;
}

std::vector<std::string> PresenceScene::restart() {
  presence::Ledger fresh;
  memory_.ledger.each([&](std::string_view key, const presence::Entry& entry) {
    presence::Entry stored = entry;
    stored.probed = 0;
    fresh.restore(key, stored);
  });
  memory_.ledger.each_shown([&](std::string_view key, const std::forward_list<presence::Shown>& all) {
    for (const presence::Shown& each : all)
      fresh.restore_shown(key, each.resource, each.place != presence::Shown::Place::Contact);
  });
  memory_.ledger = std::move(fresh);
  memory_.harvest = {};
  now_.steady = std::chrono::minutes(1);
  std::vector<std::string> probes;
  for (const presence::Due& due : memory_.ledger.doubt_all(now_)) probes.push_back(to_string(due));
  return probes;
}

}  // namespace sallyport::policy::testing
