#include "tests/bench/dialogue.h"

#include <utility>

namespace sallyport::bench {
namespace {

constexpr std::string_view kTls = "urn:ietf:params:xml:ns:xmpp-tls";
constexpr std::string_view kSasl = "urn:ietf:params:xml:ns:xmpp-sasl";

std::string element(std::string_view name, std::string_view space) {
  return "<" + std::string(name) + " xmlns='" + std::string(space) + "'/>";
}

std::string attribute(std::string_view text, std::string_view name) {
  for (const char quote : {'\'', '"'}) {
    const auto begin = " " + std::string(name) + "=" + quote;
    const auto at = text.find(begin);
    if (at == std::string_view::npos) continue;
    const auto value = text.substr(at + begin.size());
    return std::string(value.substr(0, value.find(quote)));
  }
  return {};
}

}  // namespace

Dialogue::Dialogue(Role role, std::string from, std::string to)
    : role_(role), from_(std::move(from)), to_(std::move(to)) {}

std::string Dialogue::begin() const {
  return role_ == Role::Initiator ? header() : std::string();
}

std::string Dialogue::secured() const {
  return begin();
}

Dialogue::Step Dialogue::hear(std::string_view text) {
  heard_ += text;
  if (heard_.find("<stream:error") != std::string::npos) return {.send = {}, .then = Then::Fail};
  return role_ == Role::Initiator ? initiator() : receiver();
}

Dialogue::Step Dialogue::initiator() {
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
      return {.send = header(), .then = Then::Read};
    case Awaiting::ProvedHeader:
      if (!take("<stream:features/", ">") && !take("<stream:features", "</stream:features>")) return {};
      awaiting_ = Awaiting::Nothing;
      return {.send = {}, .then = Then::Open};
    case Awaiting::Nothing:
      break;
  }
  return {};
}

Dialogue::Step Dialogue::receiver() {
  switch (awaiting_) {
    case Awaiting::PlainHeader:
      if (heard_.find('>', heard_.find("<stream:stream")) == std::string::npos) return {};
      from_ = attribute(heard_, "to");
      to_ = attribute(heard_, "from");
      if (!take("<stream:stream", ">")) return {};
      awaiting_ = Awaiting::StartTls;
      return {.send = header() + "<stream:features><starttls xmlns='" + std::string(kTls) +
                      "'><required/></starttls></stream:features>",
              .then = Then::Read};
    case Awaiting::StartTls:
      if (!take("<starttls", ">")) return {};
      awaiting_ = Awaiting::SecureHeader;
      return {.send = element("proceed", kTls), .then = Then::StartTls};
    case Awaiting::SecureHeader:
      if (!take("<stream:stream", ">")) return {};
      awaiting_ = Awaiting::Proof;
      return {.send = header() + "<stream:features><mechanisms xmlns='" + std::string(kSasl) +
                      "'><mechanism>EXTERNAL</mechanism></mechanisms></stream:features>",
              .then = Then::Read};
    case Awaiting::Proof:
      if (!take("<auth", "</auth>")) return {};
      awaiting_ = Awaiting::ProvedHeader;
      return {.send = element("success", kSasl), .then = Then::Read};
    case Awaiting::ProvedHeader:
      if (!take("<stream:stream", ">")) return {};
      awaiting_ = Awaiting::Nothing;
      return {.send = header() + "<stream:features/>", .then = Then::Open};
    case Awaiting::Nothing:
      break;
  }
  return {};
}

std::string Dialogue::header() const {
  std::string text =
      "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
      "from='" +
      from_ + "' version='1.0'";
  if (!to_.empty()) text += " to='" + to_ + "'";
  if (role_ == Role::Receiver) text += " id='bench'";
  return text + ">";
}

bool Dialogue::take(std::string_view begin, std::string_view end) {
  const auto at = heard_.find(begin);
  if (at == std::string::npos) return false;
  const auto last = heard_.find(end, at + begin.size() - (end.size() == 1 ? 0 : 1));
  if (last == std::string::npos) return false;
  heard_.erase(0, last + end.size());
  return true;
}

std::string base64(std::string_view octets) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < octets.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (i + j < octets.size() ? static_cast<std::uint8_t>(octets[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += i + j > octets.size() ? '=' : kLetters[(group >> (18 - 6 * j)) & 63];
    }
  }
  return text;
}

}  // namespace sallyport::bench
