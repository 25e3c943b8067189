#include "proxy/relay/sasl_exchange.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "inspect/base64.h"
#include "inspect/jid.h"
#include "inspect/utf8.h"

namespace sallyport::relay {
namespace {

using inspect::Jid;

constexpr std::size_t kLeastNonce = 8, kMostNonce = 512;
constexpr unsigned kLeastIterations = 4096, kMostIterations = 1'000'000;

/// Cuts off what stands before the next comma, and the comma.
std::string_view cut(std::string_view& text) {
  const std::size_t comma = std::min(text.find(','), text.size());
  const std::string_view part = text.substr(0, comma);
  text.remove_prefix(std::min(comma + 1, text.size()));
  return part;
}

/// The value of `x=value` when the part begins like that.
std::optional<std::string_view> value(std::string_view part, char name) {
  if (part.size() < 2 || part[0] != name || part[1] != '=') return std::nullopt;
  return part.substr(2);
}

/// RFC 5802 saslname: "=2C" is a comma, "=3D" an equals sign, and neither stands there by itself.
std::optional<std::string> saslname(std::string_view text) {
  if (text.empty() || !inspect::is_clean_text(text)) return std::nullopt;
  std::string name;
  name.reserve(text.size());
  while (!text.empty()) {
    if (text.starts_with("=2C") || text.starts_with("=3D")) {
      name += text[2] == 'C' ? ',' : '=';
      text.remove_prefix(3);
    } else if (text[0] == '=' || text[0] == ',') {
      return std::nullopt;
    } else {
      name += text[0];
      text.remove_prefix(1);
    }
  }
  return name;
}

/// RFC 5802 printable: visible ASCII without the comma.
bool is_nonce(std::string_view text) {
  return text.size() >= kLeastNonce && text.size() <= kMostNonce &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != ','; });
}

/// RFC 5802 attr-val, for extensions that we do not know: a letter, '=', and something.
bool is_extension(std::string_view part) {
  const bool letter = !part.empty() && ((part[0] >= 'a' && part[0] <= 'z') || (part[0] >= 'A' && part[0] <= 'Z'));
  return letter && part[0] != 'm' && part.size() > 2 && part[1] == '=' && inspect::is_clean_text(part);
}

/// An account of the domain, by its bare JID.
std::optional<Jid> account(std::string_view text, std::string_view domain) {
  auto jid = Jid::parse(text, inspect::JidProfile::Unicode);
  if (!jid || !jid->is_bare() || jid->local().empty() || jid->domain() != domain) return std::nullopt;
  return *std::move(jid);
}

bool is_binding_type(std::string_view text) {
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  };
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, legal);
}

}  // namespace

SaslExchange::SaslExchange(Mechanism mechanism, std::string domain)
    : mechanism_(mechanism), domain_(std::move(domain)) {}

std::optional<SaslCondition> SaslExchange::from_client(std::string_view octets) {
  if (octets.size() > kMostOctets) return SaslCondition::MalformedRequest;
  if (++steps_ > kMostSteps) return SaslCondition::MalformedRequest;
  switch (next_) {
    case Next::ClientFirst:
      switch (mechanism_) {
        case Mechanism::Plain:
          return plain(octets);
        case Mechanism::OAuthBearer:
          return oauth(octets);
        case Mechanism::Anonymous:
          // RFC 4505: a token for the log of the server; it says nothing that could be checked.
          next_ = Next::Success;
          if (octets.size() > 255 || !inspect::is_clean_text(octets)) return SaslCondition::MalformedRequest;
          return std::nullopt;
        case Mechanism::Gssapi:
          return std::nullopt;  // opaque, any number of steps
        case Mechanism::External:
          return SaslCondition::InvalidMechanism;
        default:
          return scram_first(octets);
      }
    case Next::ClientFinal:
      return scram_final(octets);
    case Next::Acknowledgement:
      // SCRAM: the empty answer to a server-final in a challenge. OAUTHBEARER: 0x01 to an error (RFC 7628 3.2.3).
      next_ = Next::Success;
      if (octets == (mechanism_ == Mechanism::OAuthBearer ? "\x01" : "")) return std::nullopt;
      return SaslCondition::MalformedRequest;
    default:
      return SaslCondition::MalformedRequest;
  }
}

bool SaslExchange::from_server(std::string_view octets) {
  if (octets.size() > kMostOctets) return false;
  if (mechanism_ == Mechanism::Gssapi) return next_ == Next::ClientFirst;
  if (is_scram(mechanism_) && next_ == Next::ServerFirst) return scram_server_first(octets);
  if (is_scram(mechanism_) && next_ == Next::ServerFinal) {
    next_ = Next::Acknowledgement;
    return scram_server_final(octets);
  }
  if (mechanism_ == Mechanism::OAuthBearer && next_ == Next::Success) {
    next_ = Next::Acknowledgement;
    return inspect::is_clean_text(octets);
  }
  return false;
}

bool SaslExchange::succeed(std::optional<std::string_view> octets) {
  if (octets && octets->size() > kMostOctets) return false;
  if (mechanism_ == Mechanism::Gssapi) return steps_ > 0;
  if (is_scram(mechanism_)) {
    // The server's proof stands in the success, or stood in the challenge before it.
    if (next_ == Next::ServerFinal) return octets && octets->starts_with("v=") && scram_server_final(*octets);
    return next_ == Next::Success && (!octets || octets->empty());
  }
  return next_ == Next::Success && (!octets || octets->empty());
}

std::optional<SaslCondition> SaslExchange::take_identity(std::string_view authcid,
                                                         std::optional<std::string_view> authzid) {
  const bool whole = authcid.find('@') != std::string_view::npos;
  const auto named = account(whole ? std::string(authcid) : std::string(authcid) + "@" + domain_, domain_);
  if (!named) return SaslCondition::NotAuthorized;  // as for any name that does not exist
  if (authzid) {
    const auto other = Jid::parse(*authzid, inspect::JidProfile::Unicode);
    if (!other || *other != *named) return SaslCondition::InvalidAuthzid;
  }
  claim_.account = named->bare();
  return std::nullopt;
}

std::optional<SaslCondition> SaslExchange::plain(std::string_view octets) {
  next_ = Next::Success;
  const std::size_t first = octets.find('\0');
  const std::size_t second = first == std::string_view::npos ? first : octets.find('\0', first + 1);
  if (second == std::string_view::npos || octets.find('\0', second + 1) != std::string_view::npos)
    return SaslCondition::MalformedRequest;
  const std::string_view authzid = octets.substr(0, first);
  const std::string_view authcid = octets.substr(first + 1, second - first - 1);
  const std::string_view password = octets.substr(second + 1);
  if (authcid.empty() || authcid.size() > 1023 || password.empty() || !inspect::is_clean_text(authcid))
    return SaslCondition::MalformedRequest;
  return take_identity(authcid, authzid.empty() ? std::nullopt : std::optional(authzid));
}

std::optional<SaslCondition> SaslExchange::gs2_header(std::string_view& octets, std::optional<std::string>& authzid) {
  const std::string_view whole = octets;
  if (std::ranges::count(octets, ',') < 2) return SaslCondition::MalformedRequest;
  const std::string_view flag = cut(octets);
  if (flag == "n" || flag == "y") {
    claim_.channel_binding = flag[0];
  } else if (const auto type = value(flag, 'p'); type && is_binding_type(*type)) {
    claim_.channel_binding = 'p';
    claim_.binding_type = *type;
  } else {
    return SaslCondition::MalformedRequest;
  }
  // Flag and mechanism say the same (RFC 5802 6).
  if (is_plus(mechanism_) != (claim_.channel_binding == 'p')) return SaslCondition::MalformedRequest;
  const std::string_view named = cut(octets);
  if (!named.empty()) {
    const auto text = value(named, 'a');
    if (!text) return SaslCondition::MalformedRequest;
    authzid = saslname(*text);
    if (!authzid) return SaslCondition::MalformedRequest;
  }
  gs2_header_ = whole.substr(0, whole.size() - octets.size());
  return std::nullopt;
}

std::optional<SaslCondition> SaslExchange::scram_first(std::string_view octets) {
  std::optional<std::string> authzid;
  if (const auto fault = gs2_header(octets, authzid)) return fault;
  const auto named = value(cut(octets), 'n');
  const auto name = named ? saslname(*named) : std::nullopt;
  const auto nonce = value(cut(octets), 'r');
  if (!name || !nonce || !is_nonce(*nonce)) return SaslCondition::MalformedRequest;
  while (!octets.empty())
    if (!is_extension(cut(octets))) return SaslCondition::MalformedRequest;
  nonce_ = *nonce;
  next_ = Next::ServerFirst;
  return take_identity(*name, authzid ? std::optional<std::string_view>(*authzid) : std::nullopt);
}

bool SaslExchange::scram_server_first(std::string_view octets) {
  const auto nonce = value(cut(octets), 'r');
  const auto salt = value(cut(octets), 's');
  const auto count = value(cut(octets), 'i');
  if (!nonce || !salt || !count) return false;
  if (!nonce->starts_with(nonce_) || nonce->size() == nonce_.size() || !is_nonce(*nonce)) return false;
  const auto decoded = inspect::decode_base64(*salt);
  if (!decoded || decoded->empty()) return false;
  unsigned iterations = 0;
  const auto [end, error] = std::from_chars(count->data(), count->data() + count->size(), iterations);
  if (error != std::errc{} || end != count->data() + count->size() || (*count)[0] == '0') return false;
  // More would be work that the server makes the client do.
  if (iterations < kLeastIterations || iterations > kMostIterations) return false;
  while (!octets.empty())
    if (!is_extension(cut(octets))) return false;
  nonce_ = *nonce;
  next_ = Next::ClientFinal;
  return true;
}

std::optional<SaslCondition> SaslExchange::scram_final(std::string_view octets) {
  const auto binding = value(cut(octets), 'c');
  const auto nonce = value(cut(octets), 'r');
  if (!binding || !nonce || *nonce != nonce_) return SaslCondition::MalformedRequest;
  const auto bound = inspect::decode_base64(*binding);
  // The header that was checked is the one that the proof covers; behind it stand the octets of the binding, if any.
  if (!bound || !bound->starts_with(gs2_header_)) return SaslCondition::MalformedRequest;
  if ((claim_.channel_binding == 'p') == (bound->size() == gs2_header_.size())) return SaslCondition::MalformedRequest;
  std::string_view last = cut(octets);
  while (!octets.empty()) {
    if (!is_extension(last)) return SaslCondition::MalformedRequest;
    last = cut(octets);
  }
  const auto text = value(last, 'p');
  const auto proof = text ? inspect::decode_base64(*text) : std::nullopt;
  if (!proof || proof->empty()) return SaslCondition::MalformedRequest;
  next_ = Next::ServerFinal;
  return std::nullopt;
}

bool SaslExchange::scram_server_final(std::string_view octets) {
  const std::string_view first = cut(octets);
  const auto signature = value(first, 'v');
  const bool proved = signature && inspect::decode_base64(*signature).value_or("").size() >= 20;
  const bool failed = value(first, 'e').has_value() && inspect::is_clean_text(first);
  while (!octets.empty())
    if (!is_extension(cut(octets))) return false;
  return proved || failed;
}

std::optional<SaslCondition> SaslExchange::oauth(std::string_view octets) {
  next_ = Next::Success;
  std::optional<std::string> authzid;
  if (const auto fault = gs2_header(octets, authzid)) return fault;
  // RFC 7628 3.1: kvsep *kvpair kvsep, with exactly one `auth`.
  if (!octets.starts_with('\x01') || !octets.ends_with("\x01\x01")) return SaslCondition::MalformedRequest;
  octets.remove_prefix(1);
  octets.remove_suffix(1);
  unsigned tokens = 0;
  while (!octets.empty()) {
    const std::size_t end = octets.find('\x01');
    const std::string_view pair = octets.substr(0, end);
    octets.remove_prefix(end + 1);
    const std::size_t equals = pair.find('=');
    if (equals == 0 || equals == std::string_view::npos || !inspect::is_clean_text(pair))
      return SaslCondition::MalformedRequest;
    if (pair.substr(0, equals) == "auth") ++tokens;
  }
  if (tokens != 1) return SaslCondition::MalformedRequest;
  if (!authzid) return std::nullopt;  // the token alone says who it is
  // RFC 6120 6.3.8: an authorization identity of a client is a bare JID, not a name that some server might complete.
  const auto named = account(*authzid, domain_);
  if (!named) return SaslCondition::InvalidAuthzid;
  claim_.account = named->bare();
  return std::nullopt;
}

}  // namespace sallyport::relay
