#include "policy/proof/stanza.h"

#include <array>

#include "inspect/names.h"
#include "inspect/normal_form.h"
#include "inspect/serializer.h"
#include "policy/label/xep0258.h"
#include "policy/label_judge.h"
#include "policy/pipeline.h"

namespace sallyport::policy::proof {
namespace {

namespace ns = inspect::ns;

std::string_view type_attribute(StanzaType type) {
  if (type == StanzaType::MessageNormal || type == StanzaType::PresenceAvailable) return "";
  const std::string_view text = name(type);
  return text.substr(text.find(':') + 1);
}

bool is_of_accounts(StanzaType type) {
  return type == StanzaType::PresenceSubscribe || type == StanzaType::PresenceSubscribed ||
         type == StanzaType::PresenceUnsubscribe || type == StanzaType::PresenceUnsubscribed ||
         type == StanzaType::PresenceProbe;
}

std::string device(const Party& party) {
  return party.bare + "/desk";
}

/// An iq goes from device to device: to the account itself it would be for its server. And presence is that of a device
/// (protocol.md 5.4), as a session is.
std::string address(const Party& party, StanzaType type, bool is_sender) {
  const bool of_device = kind_of(type) == Kind::Iq || (party.is_client && !is_of_accounts(type)) ||
                         (is_sender && type == StanzaType::PresenceAvailable);
  return of_device ? device(party) : party.bare;
}

inspect::Node* build(const Bundle& bundle, const StanzaPlan& plan, inspect::Arena& arena) {
  inspect::TreeEditor editor(arena);
  const Kind kind = kind_of(plan.type);
  inspect::Node* stanza = editor.element(ns::kContent, name(kind));
  editor.set_attribute(*stanza, "from", arena.copy(address(plan.from, plan.type, true)));
  editor.set_attribute(*stanza, "to", arena.copy(address(plan.to, plan.type, false)));
  if (const std::string_view type = type_attribute(plan.type); !type.empty())
    editor.set_attribute(*stanza, "type", type);
  if (kind == Kind::Iq) editor.set_attribute(*stanza, "id", "q1");
  inspect::Node* label = plan.label ? securitylabel(*bundle.label_rules(), *plan.label, arena) : nullptr;
  fill(*stanza, *plan.content, label, arena);
  const bool is_error = type_attribute(plan.type) == "error";
  if (label && kind == Kind::Message && !is_error) editor.append(*stanza, *editor.copy(*label));
  if (is_error) {
    inspect::Node* error = editor.append(*stanza, ns::kContent, "error");
    editor.set_attribute(*error, "type", "cancel");
    editor.append(*error, ns::kStanzaErrors, "service-unavailable");
  }
  return stanza;
}

/// Of the label of the stanza, or of one inside.
std::string first_marking(const Scratch& scratch) {
  for (const auto& label : scratch.labels_found)
    if (label) return label->marking;
  return "";
}

}  // namespace

inspect::Node* securitylabel(const LabelRules& rules, const label::Label& label, inspect::Arena& arena) {
  const auto number = rules.policy_number(label.policy);
  if (!number) return nullptr;
  const label::Policy& policy = rules.policy(*number);
  for (const label::Format format : {label::Format::Ess, label::Format::Missi, label::Format::Stanag4774}) {
    const bool plain = format != label::Format::Stanag4774 && label.categories.empty();
    if (!plain && !policy.admits(format)) continue;
    inspect::Node* made = label::encode_label(label, format, label::LabelRole::Originator, label::Seconds{}, policy,
                                              rules.lexicon(), arena);
    if (made) return label::write_security_label(std::nullopt, made, {}, arena);
  }
  return nullptr;
}

std::string written(const Bundle& bundle, const StanzaPlan& plan) {
  inspect::Arena arena;
  std::string out;
  inspect::serialize(*build(bundle, plan, arena), ns::kServer, out);
  return out;
}

Answer judged(const Bundle& bundle, const StanzaPlan& plan, label::Time time) {
  const Memory memory;
  Scratch scratch(memory);
  inspect::Arena arena;
  std::string octets;
  inspect::encode(*build(bundle, plan, arena), octets);
  const auto stanza = inspect::decode(octets, scratch.arena, inspect::ParserLimits{});
  if (!stanza) return {};
  const Way& way = plan.way;
  const auto domain = [&](const Party& party) {
    return party.domain ? bundle.tables().domains[*party.domain].name : std::string();
  };
  const std::array<Pair, 1> granted = {{{domain(plan.from), domain(plan.to)}}};
  const std::string own = device(way.from_client ? plan.from : plan.to);
  const ClientSession session{.full = own, .from_client = way.from_client};
  const Crossing crossing{.from_enclave = bundle.enclave_name(way.label.from_enclave),
                          .to_enclave = bundle.enclave_name(way.label.to_enclave),
                          .lang = {},
                          .granted = granted,
                          .client = way.login ? &session : nullptr,
                          .login = way.login};
  const Judgement judgement = judge(**stanza, octets.size(), crossing, {.wall = time, .steady = {}}, bundle, scratch);
  return {lets_leave(judgement.verdict), judgement.reason, std::string(judgement.rule), first_marking(scratch)};
}

}  // namespace sallyport::policy::proof
