// [[login]].
#include "policy/source/key_forms.h"
#include "policy/source/keys.h"

namespace sallyport::policy::source {
namespace {

void read_mechanisms(Reading& in, const toml::node& node, LoginText& out) {
  inspect::Mechanisms mechanisms;
  in.each(node, "SASL mechanisms: [\"SCRAM-SHA-256\"]", [&](const toml::node& element) {
    const auto written = in.text(element, "the name of a SASL mechanism in quotes");
    if (!written) return;
    const auto known = inspect::mechanism(written->text);
    if (!known)
      return in.mistake(element.source(),
                        "there is no mechanism " + source::quoted(written->text) + " that can be relayed",
                        "docs/reference/policy.md lists the mechanisms");
    mechanisms.add(*known);
    if (inspect::is_plus(*known) && out.plus.text.empty()) out.plus = {written->text, element.source()};
  });
  out.login.mechanisms = mechanisms.bits();
}

void read_stages(Reading& in, const toml::node& node, LoginText& out) {
  in.each(node, "the names of stages: [\"presence\"]", [&](const toml::node& element) {
    const auto written = in.text(element, "the name of a stage in quotes");
    const auto wanted = written ? stage(written->text) : std::nullopt;
    if (written && (!wanted || *wanted == Stage::Shape || *wanted == Stage::Addressing))
      return in.mistake(element.source(), "the stage '" + written->text + "' can't be switched off",
                        "the stages are payload, label, presence, content and rate");
    if (wanted)
      out.login.stages_off = static_cast<std::uint8_t>(out.login.stages_off | 1U << static_cast<unsigned>(*wanted));
  });
}

}  // namespace

Section<LoginText> login_section() {
  using L = LoginText;
  std::vector<Key<L>> keys = {
      required(Key<L>{"from", "list of enclaves", "", "The enclaves whose clients may log in.", false,
                      [](Reading& in, const toml::node& node, L& out) {
                        in.each(node, "the names of enclaves: [\"north\"]", [&](const toml::node& element) {
                          if (auto written = in.name(element)) out.from.push_back(std::move(*written));
                        });
                      }}),
      required(domains<L>("to", &L::to, "Home domains of other enclaves, to whose servers they may log in.")),
      required(Key<L>{"mechanisms",
                      "list of \"SCRAM-SHA-512\", \"SCRAM-SHA-256\", \"SCRAM-SHA-1\", \"PLAIN\", \"OAUTHBEARER\", "
                      "\"GSSAPI\", \"ANONYMOUS\", \"EXTERNAL\", \"SCRAM-SHA-512-PLUS\", \"SCRAM-SHA-256-PLUS\", "
                      "\"SCRAM-SHA-1-PLUS\"",
                      "",
                      "What a client is offered of what its server offers. With PLAIN and OAUTHBEARER the guard sees "
                      "the secret. EXTERNAL is no relay: the edge checks the client's certificate, and the far edge "
                      "logs in with one of its own, which the server lets speak for every account. Those with -PLUS "
                      "need `channel_binding`.",
                      false, read_mechanisms}),
      Key<L>{"off", "list of stages", "", "Stages that are switched off for these sessions.", false, read_stages},
      Key<L>{"accounts_hidden", "true or false", "true",
             "Whether every failed login looks alike. With `false` a client hears `account-disabled`, "
             "`credentials-expired` and `temporary-auth-failure` as its server says them.",
             false,
             [key = flag<Login>("accounts_hidden", &Login::accounts_hidden, "")](
                 Reading& in, const toml::node& node, L& out) { key.read(in, node, out.login); }},
      Key<L>{"tries", "whole number, 2 to 5", "3", "Failed logins that end a client's stream.", false,
             [key = count<Login>("tries", &Login::tries, 2, 5, "")](Reading& in, const toml::node& node, L& out) {
               key.read(in, node, out.login);
             }},
      Key<L>{
          "channel_binding", "one of \"none\", \"tls-server-end-point\"", "\"none\"",
          "Whether a client may bind its login to the certificate that it sees. That holds only where the face shows "
          "the server's own certificate, or where the server was told the hash of the face's.",
          false,
          [key = choice<Login, bool>("channel_binding", &Login::end_point,
                                     {{"none", false}, {"tls-server-end-point", true}}, "")](
              Reading& in, const toml::node& node, L& out) { key.read(in, node, out.login); }}};
  add_grant_keys(keys);
  using presence::Phase;
  // The roster says what stands, so that a session has nothing to learn.
  keys.push_back(of_grant<L>(subscriptions({{"enforce", Phase::Enforce}, {"warn", Phase::Warn}}, "")));
  return {
      "[[login]]",
      "Lets clients of one enclave log in to a server of another. Without one nobody may. An enclave and a domain may "
      "stand together in one login only.",
      std::move(keys)};
}

}  // namespace sallyport::policy::source
