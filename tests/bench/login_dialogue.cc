#include <utility>

#include "tests/bench/dialogue.h"

namespace sallyport::bench {
namespace {

const std::string kTls = "urn:ietf:params:xml:ns:xmpp-tls";
const std::string kSasl = "urn:ietf:params:xml:ns:xmpp-sasl";
const std::string kBind = "urn:ietf:params:xml:ns:xmpp-bind";
const std::string kSm = "urn:xmpp:sm:3";
const std::string kFeaturesEnd = "</stream:features>";

// RFC 5802 section 5
const std::string kClientNonce = "fyko+d2lbbFgONRv9qkxdawL";
const std::string kNonce = kClientNonce + "3rfcNHYJY1ZVvWVs7j";
const std::string kServerFirst = "r=" + kNonce + ",s=QSXCR+Q6sek8bf92,i=4096";
const std::string kClientFinal = "c=biws,r=" + kNonce + ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=";
const std::string kServerFinal = "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=";

std::string sasl(const std::string& name, const std::string& octets, const std::string& more = "") {
  return "<" + name + " xmlns='" + kSasl + "'" + more + ">" + base64(octets) + "</" + name + ">";
}

}  // namespace

LoginDialogue::LoginDialogue(Role role, std::string from, std::string to, bool secure)
    : Dialogue(std::move(from), std::move(to)),
      role_(role),
      awaiting_(secure ? Awaiting::SecureHeader : Awaiting::PlainHeader) {}

std::string LoginDialogue::begin() const {
  return role_ == Role::Client ? own_header() : std::string();
}

std::string LoginDialogue::own_header() const {
  return header("jabber:client", role_ == Role::Server ? "bench" : "");
}

Dialogue::Step LoginDialogue::client() {
  if (heard_.find("<failure") != std::string::npos) return {.send = {}, .then = Then::Fail};
  switch (awaiting_) {
    case Awaiting::PlainHeader:
      if (!take("<starttls", kFeaturesEnd)) return {};
      awaiting_ = Awaiting::StartTls;
      return {.send = "<starttls xmlns='" + kTls + "'/>", .then = Then::Read};
    case Awaiting::StartTls:
      if (!take("<proceed", ">")) return {};
      awaiting_ = Awaiting::SecureHeader;
      return {.send = {}, .then = Then::StartTls};
    case Awaiting::SecureHeader:
      if (!take(">SCRAM-SHA-1<", kFeaturesEnd)) return {};
      awaiting_ = Awaiting::FirstMessage;
      return {.send = sasl("auth", "n,,n=" + from_.substr(0, from_.find('@')) + ",r=" + kClientNonce,
                           " mechanism='SCRAM-SHA-1'"),
              .then = Then::Read};
    case Awaiting::FirstMessage:
      if (!take("<challenge", "</challenge>")) return {};
      awaiting_ = Awaiting::Outcome;
      return {.send = sasl("response", kClientFinal), .then = Then::Read};
    case Awaiting::Outcome:
      if (!take("<success", "</success>")) return {};
      awaiting_ = Awaiting::ProvedHeader;
      return {.send = own_header(), .then = Then::Read};
    case Awaiting::ProvedHeader:
      if (!take("<stream:features", kFeaturesEnd)) return {};
      awaiting_ = Awaiting::Resource;
      return {.send = "<iq type='set' id='bind'><bind xmlns='" + kBind + "'><resource>" + std::string(kResource) +
                      "</resource></bind></iq>",
              .then = Then::Read};
    case Awaiting::Resource:
      if (!take("<jid>", "</iq>")) return {};
      awaiting_ = Awaiting::Management;
      return {.send = "<enable xmlns='" + kSm + "' resume='true'/>", .then = Then::Read};
    case Awaiting::Management:
      if (!take("<enabled", ">")) return {};
      awaiting_ = Awaiting::Nothing;
      return {.send = {}, .then = Then::Open};
    case Awaiting::FinalMessage:
    case Awaiting::Nothing:
      break;
  }
  return {};
}

Dialogue::Step LoginDialogue::server() {
  switch (awaiting_) {
    case Awaiting::PlainHeader:
      if (!take_header()) return {};
      awaiting_ = Awaiting::StartTls;
      return {.send = own_header() + "<stream:features><starttls xmlns='" + kTls + "'><required/></starttls>" +
                      kFeaturesEnd,
              .then = Then::Read};
    case Awaiting::StartTls:
      if (!take("<starttls", ">")) return {};
      awaiting_ = Awaiting::SecureHeader;
      return {.send = "<proceed xmlns='" + kTls + "'/>", .then = Then::StartTls};
    case Awaiting::SecureHeader:
      if (!take_header()) return {};
      awaiting_ = Awaiting::FirstMessage;
      return {.send = own_header() + "<stream:features><mechanisms xmlns='" + kSasl +
                      "'><mechanism>SCRAM-SHA-1</mechanism></mechanisms>" + kFeaturesEnd,
              .then = Then::Read};
    case Awaiting::FirstMessage:
      if (!take("<auth", "</auth>")) return {};
      awaiting_ = Awaiting::FinalMessage;
      return {.send = sasl("challenge", kServerFirst), .then = Then::Read};
    case Awaiting::FinalMessage:
      if (!take("<response", "</response>")) return {};
      awaiting_ = Awaiting::ProvedHeader;
      return {.send = sasl("success", kServerFinal), .then = Then::Read};
    case Awaiting::ProvedHeader:
      if (!take("<stream:stream", ">")) return {};
      awaiting_ = Awaiting::Resource;
      return {.send = own_header() + "<stream:features><bind xmlns='" + kBind + "'/><sm xmlns='" + kSm + "'/>" +
                      kFeaturesEnd,
              .then = Then::Read};
    case Awaiting::Resource: {
      const std::string id = attribute("id");
      if (!take("<iq", "</iq>")) return {};
      awaiting_ = Awaiting::Management;
      return {.send = "<iq type='result' id='" + id + "'><bind xmlns='" + kBind + "'><jid>" + to_ + "/" +
                      std::string(kResource) + "</jid></bind></iq>",
              .then = Then::Read};
    }
    case Awaiting::Management:
      if (!take("<enable", ">")) return {};
      awaiting_ = Awaiting::Nothing;
      return {.send = "<enabled xmlns='" + kSm + "' id='bench' resume='true' max='600'/>", .then = Then::Open};
    case Awaiting::Outcome:
    case Awaiting::Nothing:
      break;
  }
  return {};
}

}  // namespace sallyport::bench
