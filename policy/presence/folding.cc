// What of a presence crosses (P-03, P-10, P-14, P-15).
#include "inspect/names.h"
#include "policy/presence/gate.h"

namespace sallyport::policy::presence {
namespace {

using inspect::Node;

constexpr std::string_view kMucUser = "http://jabber.org/protocol/muc#user";

Part part_of(const Node& child) {
  if (child.ns == inspect::ns::kContent) {
    if (child.name == "show") return Part::Show;
    if (child.name == "status") return Part::Status;
    if (child.name == "priority") return Part::Priority;
  }
  if (child.ns == "http://jabber.org/protocol/caps") return Part::Caps;
  if (child.ns == "urn:xmpp:idle:1") return Part::Idle;
  if (child.ns == "vcard-temp:x:update") return Part::Avatar;
  if (child.ns == "http://jabber.org/protocol/nick") return Part::Nick;
  if (child.ns == "urn:xmpp:delay" || child.ns == "jabber:x:delay") return Part::Delay;
  return Part::Other;
}

/// What a room needs to be one.
bool is_of_rooms(const Node& child) {
  return child.ns == "http://jabber.org/protocol/muc" || child.ns == kMucUser || child.ns == "urn:xmpp:occupant-id:0";
}

/// P-10: who hides behind a nick.
bool strip_real_address(Node& user) {
  bool any = false;
  for (Node* item = user.first_child; item != nullptr; item = item->next) {
    if (item->is_text() || item->name != "item") continue;
    any = keep_attributes(*item, [](const inspect::Attribute& a) { return a.name != "jid" || !a.ns.empty(); }) || any;
  }
  return any;
}

}  // namespace

void fold(const Gatekeeping& gate) {
  Run& run = gate.run;
  if (run.bundle.settings().transparency == Transparency::Full) return;
  const bool room = gate.from_room || gate.to_room;
  const bool available = run.facts.type.empty();
  // Where messages go depends on it.
  const bool to_own_server = is_own(run, run.facts.from) && is_own(run, run.facts.to);
  bool any = keep_children(run.stanza, [&](Node& child) {
    if (child.is_text()) return false;
    if (room && is_of_rooms(child)) return true;
    // P-15: an unavailable carries nothing.
    const Part part = part_of(child);
    return available && (gate.settings.carries(part) || (to_own_server && part == Part::Priority));
  });
  for (Node* child = run.stanza.first_child; child != nullptr; child = child->next)
    if (gate.from_room && child->is(kMucUser, "x")) any = strip_real_address(*child) || any;
  if (any) run.findings.add(Reason::PresenceFolded);
}

}  // namespace sallyport::policy::presence
