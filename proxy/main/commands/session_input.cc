#include "proxy/main/commands/session_input.h"

#include <vector>

#include "inspect/jid.h"
#include "inspect/names.h"
#include "inspect/normal_form.h"
#include "policy/presence/roster.h"
#include "proxy/main/commands/policy.h"
#include "proxy/main/commands/policy_input.h"

namespace sallyport::commands {

namespace {

/// The enclaves whose clients may log in to a domain.
std::vector<std::string> client_enclaves(const policy::Bundle& bundle, const policy::Domain& domain) {
  std::vector<std::string> names;
  for (const policy::Login& login : bundle.tables().logins)
    if (login.domain == bundle.number_of(domain)) names.emplace_back(bundle.enclave_name(login.enclave));
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

}  // namespace

SessionAsked session_or_end(SessionAsked asked, const policy::Bundle& bundle) {
  if (asked.jid.empty()) end_command(2, "a session has an address: add --session ann@south.example/home");
  if (asked.from_client == asked.from_server)
    end_command(2, "say whose stanza it is: --from-client or --from-server, one of them");
  const auto jid = inspect::Jid::parse(asked.jid, inspect::JidProfile::Unicode);
  if (!jid || jid->local().empty() || jid->resource().empty())
    end_command(2, "'" + asked.jid + "' is not the address of a session; write it like ann@south.example/home");
  asked.jid = jid->full();
  const policy::Domain* domain = bundle.domain(jid->domain());
  if (domain == nullptr) end_command(2, "no enclave of this policy owns '" + std::string(jid->domain()) + "'");
  const std::vector<std::string> enclaves = client_enclaves(bundle, *domain);
  if (enclaves.empty()) end_command(2, "no [[login]] of this policy leads to '" + domain->name + "'");
  if (asked.client_enclave.empty() && enclaves.size() == 1) asked.client_enclave = enclaves.front();
  if (asked.client_enclave.empty())
    end_command(2, "say where the client is: --client-enclave with one of " + joined(enclaves));
  if (bundle.login(asked.client_enclave, *domain) == nullptr)
    end_command(2, "no [[login]] lets clients of '" + asked.client_enclave + "' log in to " + domain->name +
                       "; there are those of " + joined(enclaves));
  return asked;
}

SessionAsked session_of(const Recorded& record, const policy::Bundle& bundle) {
  if (!record.session.empty()) {
    const bool from_client = record.from_enclave == record.client_enclave;
    return {record.session, record.client_enclave, from_client, !from_client};
  }
  for (const bool from_client : {true, false}) {
    const std::string& written = from_client ? record.from : record.to;
    const std::string& client = from_client ? record.from_enclave : record.to_enclave;
    const std::string& server = from_client ? record.to_enclave : record.from_enclave;
    const policy::Address account = policy::Address::of_prepared(written);
    const policy::Domain* domain = account.local.empty() ? nullptr : bundle.domain(account.domain);
    const bool at_home = domain != nullptr && bundle.enclave_of(*domain).name == server;
    if (at_home && bundle.login(client, *domain) != nullptr) return {written, client, from_client, !from_client};
  }
  return {};
}

void open_roster_or_end(const std::filesystem::path& file, std::string_view account, const policy::Moment& now,
                        policy::presence::Ledger& ledger) {
  const auto samples = read_stanzas("<iq>" + read_file_or_end(file) + "</iq>", file.string(), StreamOf::Client);
  if (!samples) end_command(1, samples.error());
  inspect::Arena arena;
  const auto carrier = inspect::decode(samples->front().normal_form, arena, inspect::ParserLimits{});
  const inspect::Node* query = carrier ? (*carrier)->child(inspect::ns::kRoster, "query") : nullptr;
  if (query == nullptr) end_command(1, file.string() + ": there is no <query xmlns='jabber:iq:roster'/>");
  policy::presence::follow(ledger, {query, account, policy::presence::RosterSeen::As::Roster}, true, now);
}

policy::Crossing crossing_of(const policy::ClientSession& session, std::string_view client_enclave,
                             const policy::Bundle& bundle) {
  const policy::Domain* domain = bundle.domain(policy::Address::of_prepared(session.full).domain);
  const std::string_view server_enclave = domain != nullptr ? bundle.enclave_of(*domain).name : std::string_view();
  return {.from_enclave = session.from_client ? client_enclave : server_enclave,
          .to_enclave = session.from_client ? server_enclave : client_enclave,
          .lang = {},
          .granted = {},
          .client = &session,
          .login = domain != nullptr ? bundle.login(client_enclave, *domain) : nullptr};
}

}  // namespace sallyport::commands
