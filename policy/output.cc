// The check of what is to leave; it trusts nothing that the pipeline has found out.
#include "inspect/names.h"
#include "policy/pipeline.h"

namespace sallyport::policy {

std::optional<Reason> check_output(const inspect::Node& stanza, const Pair& granted, std::size_t octets,
                                   std::size_t limit) {
  const bool is_stanza = stanza.ns == inspect::ns::kContent &&
                         (stanza.name == "message" || stanza.name == "presence" || stanza.name == "iq");
  if (!is_stanza) return Reason::OutputNotAStanza;
  const auto* from = stanza.attribute("from");
  const auto* to = stanza.attribute("to");
  if (!from || !to || from->empty() || to->empty()) return Reason::OutputAddress;
  if (Address::of_prepared(*from).domain != granted.from || Address::of_prepared(*to).domain != granted.to)
    return Reason::OutputPair;
  if (limit != 0 && octets > limit) return Reason::OutputTooBig;
  return std::nullopt;
}

std::optional<Reason> check_client_output(const inspect::Node& stanza, const ClientSession& session, std::size_t octets,
                                          std::size_t limit) {
  const bool is_stanza = stanza.ns == inspect::ns::kContent &&
                         (stanza.name == "message" || stanza.name == "presence" || stanza.name == "iq");
  if (!is_stanza) return Reason::OutputNotAStanza;
  const Address own = Address::of_prepared(session.full);
  const auto* from = stanza.attribute("from");
  const auto* to = stanza.attribute("to");
  const auto is_own = [&](std::string_view text) { return text == own.full || text == own.bare(); };
  if (session.from_client ? !from || !is_own(*from) : to && !is_own(*to)) return Reason::OutputAddress;
  if (limit != 0 && octets > limit) return Reason::OutputTooBig;
  return std::nullopt;
}

}  // namespace sallyport::policy
