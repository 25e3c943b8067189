#include "tests/policy/fuzz/properties.h"

#include "inspect/normal_form.h"
#include "policy/bounce.h"
#include "policy/bundle.h"
#include "policy/payload/switches.h"
#include "policy/pipeline.h"

namespace sallyport::policy::testing {
namespace {

const Pair kGranted[] = {{"north.test", "south.test"}, {"rooms.north.test", "south.test"}};

Bundle make_bundle() {
  Tables tables;
  tables.name = "fuzz";
  tables.enclaves = {{.name = "north", .revocation = {}, .withdrawn = {}},
                     {.name = "south", .revocation = {}, .withdrawn = {}}};
  tables.domains = {{"north.test", 0, 0}, {"rooms.north.test", 0, 0}, {"south.test", 1, 2}};
  Peering all;
  all.id = "all";
  all.message = all.presence = all.iq = true;
  all.jids = inspect::JidProfile::Unicode;
  all.payloads = switches(Profile::Full).bits();
  all.pep_nodes = {"n"};
  tables.peerings = {all};
  tables.routes = {{0, 2, 0}, {1, 2, 0}, {2, 0, 0}};
  tables.settings.stages_off = 0b0011000;
  ContentRule mask;
  mask.id = "mask";
  mask.action = ContentAction::Mask;
  mask.places = 0x7F;
  mask.words = {"a"};
  mask.patterns = {"[0-9]+"};
  mask.links = true;
  mask.peerings = {0};
  tables.contents = {mask};
  return *Bundle::make(std::move(tables));
}

Judgement judge_here(inspect::Node& stanza, std::size_t octets, Scratch& scratch) {
  static const Bundle bundle = make_bundle();
  const Crossing crossing{.from_enclave = "north", .to_enclave = "south", .lang = "fr", .granted = kGranted};
  return judge(stanza, octets, crossing, Moment(), bundle, scratch);
}

std::string released_fault(const inspect::Node& stanza, const Judgement& judgement, Scratch& scratch) {
  if (judgement.rule.empty()) return "released without a rule";
  if (judgement.facts.to.domain != "south.test") return "released to another domain";
  const Pair pair{std::string(judgement.facts.from.domain), "south.test"};
  if (pair.from != kGranted[0].from && pair.from != kGranted[1].from) return "released from another domain";
  if (check_output(stanza, pair, 0, 0)) return "the output check objects";
  std::string again;
  inspect::encode(stanza, again);
  const auto twice = inspect::decode(again, scratch.arena, inspect::ParserLimits{});
  if (!twice) return "what is released is not in normal form: " + twice.error().what;
  if (judge_here(**twice, 0, scratch).verdict != Verdict::Release) return "what is released is not released again";
  return "";
}

std::string bounce_fault(const Judgement& judgement, Scratch& scratch) {
  const inspect::Node* bounce = make_bounce(judgement.facts, judgement.fault, scratch.arena);
  if (!bounce) return "a bounce that cannot be made";
  if (check_output(*bounce, {"south.test", std::string(judgement.facts.from.domain)}, 0, 0))
    return "a bounce that does not go back";
  if (judgement.facts.type == "error") return "an error for an error";
  if (judgement.facts.kind == Kind::Iq && judgement.facts.type == "result") return "an error for a result";
  return "";
}

}  // namespace

std::string bundle_fault(std::string_view octets) {
  const auto bundle = Bundle::decode(octets);
  if (!bundle) return "";
  if (bundle->octets() != octets) return "the encoding is not the one that was read";
  for (const Route& route : bundle->tables().routes) {
    const Domain& from = bundle->tables().domains[route.from];
    const Domain& to = bundle->tables().domains[route.to];
    if (bundle->peering(from.name, to.name) != &bundle->tables().peerings[route.peering]) return "a route is not found";
    if (&bundle->enclave_of(from) == &bundle->enclave_of(to)) return "a route stays within an enclave";
  }
  return "";
}

std::string judge_fault(std::string_view octets) {
  static const Memory memory;
  static Scratch scratch(memory);  // its cache is large, and a lane keeps one as well
  scratch.arena.clear();
  const auto stanza = inspect::decode(octets, scratch.arena, inspect::ParserLimits{});
  if (!stanza) return "";
  const Judgement judgement = judge_here(**stanza, octets.size(), scratch);
  switch (judgement.verdict) {
    case Verdict::Release:
    case Verdict::Alter:
      return released_fault(**stanza, judgement, scratch);
    case Verdict::Bounce:
      return bounce_fault(judgement, scratch);
    case Verdict::Drop:
    case Verdict::Sever:
      return judgement.reason == Reason::PolicyUndecided ? "undecided" : "";
    case Verdict::Answer:
      return "an answer, which no rule asks for";
  }
  return "no verdict";
}

}  // namespace sallyport::policy::testing
