#include <utility>

#include "tests/bench/dialogue.h"

namespace sallyport::bench {
namespace {

constexpr std::string_view kTls = "urn:ietf:params:xml:ns:xmpp-tls";
constexpr std::string_view kSasl = "urn:ietf:params:xml:ns:xmpp-sasl";

std::string element(std::string_view name, std::string_view space) {
  return "<" + std::string(name) + " xmlns='" + std::string(space) + "'/>";
}

}  // namespace

ServerDialogue::ServerDialogue(Role role, std::string from, std::string to)
    : Dialogue(std::move(from), std::move(to)), role_(role) {}

std::string ServerDialogue::begin() const {
  return role_ == Role::Initiator ? own_header() : std::string();
}

std::string ServerDialogue::own_header() const {
  return header("jabber:server", role_ == Role::Receiver ? "bench" : "");
}

Dialogue::Step ServerDialogue::initiator() {
  switch (awaiting_) {
    case Awaiting::PlainHeader:
      if (!take("<starttls", "</stream:features>")) return {};
      awaiting_ = Awaiting::StartTls;
      return {.send = element("starttls", kTls), .then = Then::Read};
    case Awaiting::StartTls:
      if (!take("<proceed", ">")) return {};
      awaiting_ = Awaiting::SecureHeader;
      return {.send = {}, .then = Then::StartTls};
    case Awaiting::SecureHeader:
      if (!take(">EXTERNAL<", "</stream:features>")) return {};
      awaiting_ = Awaiting::Proof;
      return {.send = "<auth xmlns='" + std::string(kSasl) + "' mechanism='EXTERNAL'>" + base64(from_) + "</auth>",
              .then = Then::Read};
    case Awaiting::Proof:
      if (heard_.find("<failure") != std::string::npos) return {.send = {}, .then = Then::Fail};
      if (!take("<success", ">")) return {};
      awaiting_ = Awaiting::ProvedHeader;
      return {.send = own_header(), .then = Then::Read};
    case Awaiting::ProvedHeader:
      if (!take("<stream:features/", ">") && !take("<stream:features", "</stream:features>")) return {};
      awaiting_ = Awaiting::Nothing;
      return {.send = {}, .then = Then::Open};
    case Awaiting::Nothing:
      break;
  }
  return {};
}

Dialogue::Step ServerDialogue::receiver() {
  switch (awaiting_) {
    case Awaiting::PlainHeader:
      if (!take_header()) return {};
      awaiting_ = Awaiting::StartTls;
      return {.send = own_header() + "<stream:features><starttls xmlns='" + std::string(kTls) +
                      "'><required/></starttls></stream:features>",
              .then = Then::Read};
    case Awaiting::StartTls:
      if (!take("<starttls", ">")) return {};
      awaiting_ = Awaiting::SecureHeader;
      return {.send = element("proceed", kTls), .then = Then::StartTls};
    case Awaiting::SecureHeader:
      if (!take("<stream:stream", ">")) return {};
      awaiting_ = Awaiting::Proof;
      return {.send = own_header() + "<stream:features><mechanisms xmlns='" + std::string(kSasl) +
                      "'><mechanism>EXTERNAL</mechanism></mechanisms></stream:features>",
              .then = Then::Read};
    case Awaiting::Proof:
      if (!take("<auth", "</auth>")) return {};
      awaiting_ = Awaiting::ProvedHeader;
      return {.send = element("success", kSasl), .then = Then::Read};
    case Awaiting::ProvedHeader:
      if (!take("<stream:stream", ">")) return {};
      awaiting_ = Awaiting::Nothing;
      return {.send = own_header() + "<stream:features/>", .then = Then::Open};
    case Awaiting::Nothing:
      break;
  }
  return {};
}

}  // namespace sallyport::bench
