// From the answers of the DNS to an order of targets (RFC 2782, RFC 6120 3.2, XEP-0368). Pure; the resolver asks and
// looks up addresses.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::edge {

/// Why a domain has no address. NoService: it says itself that there is none (target "."). NoAnswer: the DNS, or the
/// targets that it names, did not tell. Bogus: the answer is not what the zone's keys have signed. LocalAddress: it
/// leads only to this machine or link, which the settings do not allow.
enum class NameFault : std::uint8_t { NoName, NoService, NoAnswer, Bogus, LocalAddress, Overload, Deadline };
std::string_view name(NameFault fault);

struct SrvRecord {
  std::uint16_t priority = 0, weight = 0, port = 0;
  std::string target{};     ///< A-labels, lower case, no dot at the end; "" stands for the target "."
  bool direct_tls = false;  ///< from _xmpps-server or _xmpps-client
  bool secure = false;      ///< DNSSEC has vouched for it
  bool operator==(const SrvRecord&) const = default;
};

/// What came of one SRV question. None: there are no such records, which is an answer. Failed: nobody answered.
struct SrvAnswer {
  enum class State : std::uint8_t { None, Records, Failed, Bogus };
  State state = State::None;
  std::vector<SrvRecord> records{};
  bool secure = false;  ///< DNSSEC has vouched for the records, or for there being none
};

struct Targets {
  std::vector<SrvRecord> records;  ///< best first, at most kMostTargets
  bool is_fallback = false;        ///< there are no SRV records: this is the domain itself
};

/// A number from 0 to `most`, both included, each as likely as the others.
using Random = std::function<std::uint32_t(std::uint32_t most)>;

inline constexpr std::size_t kMostTargets = 16;
inline constexpr std::uint16_t kServerPort = 5269, kClientPort = 5222;

/// The RDATA of an SRV record; nullopt if it is malformed or its target is no host name.
std::optional<SrvRecord> parse_srv(std::string_view rdata);

/// By priority, and within one by weight as RFC 2782 draws lots; both kinds of records together (XEP-0368).
std::vector<SrvRecord> in_order(std::vector<SrvRecord> records, const Random& random);

/// What to try. Without any SRV record the domain itself at port `port` (RFC 6120 3.2.2); never when records exist,
/// whatever they lead to. `direct` is State::None when it was not asked for.
std::expected<Targets, NameFault> targets(std::string_view ascii_domain, SrvAnswer starttls, SrvAnswer direct,
                                          const Random& random, std::uint16_t port = kServerPort);

}  // namespace sallyport::edge
