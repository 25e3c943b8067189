// XMPP addresses, prepared (RFC 7622, RFC 6122; protocol.md 5.8).
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace sallyport::inspect {

enum class JidFault : std::uint8_t {
  Empty,
  TooLong,
  BadUtf8,
  EmptyPart,           ///< "@domain", "domain/"
  LocalpartForbidden,  ///< a character or script that the profile does not allow
  LocalpartDisagree,   ///< stringprep and PRECIS give different results
  DomainInvalid,
  DomainDisagree,
  ResourceForbidden,
};
inline constexpr JidFault kLastJidFault = JidFault::ResourceForbidden;
std::string_view name(JidFault fault);

/// Ascii: localparts of printable ASCII in the set of protocol.md 5.8 (the default across domains). Unicode: also what
/// stringprep and PRECIS agree on, single script.
enum class JidProfile : std::uint8_t { Ascii, Unicode };

/// A prepared address. Whoever holds a Jid holds a valid one; equal addresses have equal octets.
class Jid {
 public:
  /// Splits, prepares, checks. Limits in octets after preparation: local 64 (Ascii) or 256, domain 253 as A-labels,
  /// resource 512.
  static std::expected<Jid, JidFault> parse(std::string_view text, JidProfile profile = JidProfile::Ascii);
  /// Prepares a bare domain, e.g. of a stream header or a configuration: U-labels, lower case, no trailing dot.
  static std::expected<std::string, JidFault> prepare_domain(std::string_view text);
  /// The A-label form of a prepared domain, for SNI, DNS and certificates. Empty if there is none.
  static std::string to_ascii(std::string_view prepared_domain);

  std::string_view full() const { return text_; }
  std::string_view bare() const;
  std::string_view local() const;  ///< "" if absent
  std::string_view domain() const;
  std::string_view resource() const;  ///< "" if absent
  bool is_bare() const { return resource().empty(); }

  bool operator==(const Jid&) const = default;

 private:
  Jid() = default;

  std::string text_;
  std::uint16_t domain_at_ = 0;
  std::uint16_t resource_at_ = 0;  ///< one past the '/'; 0: none
};

/// Remembers prepared addresses, for the hot path. Bounded (D-28: 10 000 entries); one per lane, not shared.
class JidCache {
 public:
  explicit JidCache(std::size_t entries = 10'000);
  ~JidCache();
  /// As Jid::parse. The reference is good until the next call.
  const std::expected<Jid, JidFault>& parse(std::string_view text, JidProfile profile);

 private:
  struct Entries;
  std::unique_ptr<Entries> entries_;
};

}  // namespace sallyport::inspect
