// [[peering]].
#include "policy/source/key_forms.h"
#include "policy/source/keys.h"

namespace sallyport::policy::source {

Section<PeeringText> peering_section() {
  using P = PeeringText;
  std::vector<Key<P>> keys = {required(domains<P>("from", &P::from, "Domains of one side.")),
                              required(domains<P>("to", &P::to, "Domains of the other side.")),
                              required(choice<P>("direction", &P::both, {{"forward", false}, {"both", true}},
                                                 "`forward`: stanzas go from `from` to `to`; `both`: also back."))};
  add_grant_keys(keys);
  const auto add = [&](const Key<GrantText>& key) { keys.push_back(of_grant<P>(key)); };
  add(rule_choice<Proof>("proof", &Peering::proof,
                         {{"external", Proof::External}, {"dialback", Proof::ExternalOrDialback}},
                         "How a peer must prove its domain: `external` by its certificate; `dialback` also by dialback "
                         "inside TLS, which is weaker."));
  add(rule_choice<inspect::JidProfile>(
      "addresses", &Peering::jids, {{"ascii", inspect::JidProfile::Ascii}, {"unicode", inspect::JidProfile::Unicode}},
      "Which localparts may cross: those of ASCII, or also others on which both preparations of addresses agree."));
  keys.push_back(domains<P>(
      "hidden_resources", &P::hidden_resources,
      "Domains of either side whose accounts' resources the other side does not see: it knows each by another name, "
      "which stays the same for one user and one far domain, and what is sent to that name finds the resource. "
      "Nicknames in rooms are none. Every peering between the two domains has to say the same."));
  using presence::Phase;
  add(subscriptions({{"enforce", Phase::Enforce}, {"warn", Phase::Warn}, {"learn", Phase::Learn}},
                    "; `learn`: the same, and a subscription is taken down when a probe is answered by presence within "
                    "30 s"));
  add(presence_count("presence_interval", &presence::Settings::interval, 3600,
                     "Seconds between two changes of one resource that one watcher sees; the newest is sent when they "
                     "are over. 0: every change crosses."));
  return {
      "[[peering]]",
      "A rule that lets stanzas cross. What no peering names does not cross. An ordered pair of domains may stand in "
      "one peering only.",
      std::move(keys)};
}

}  // namespace sallyport::policy::source
