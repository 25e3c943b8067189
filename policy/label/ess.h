// The ESS security label (RFC 2634, X.841) with the category syntaxes of ACP-145 (RFC 7906) and MISSI (SDN.801), and
// the clearance attribute (RFC 5755, RFC 3281), in octets and in base 64 (labels.md 3, 4).
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "policy/label/ber.h"
#include "policy/label/label.h"
#include "policy/label/misreading.h"

namespace sallyport::policy::label {

/// What the octets alone do not say. It comes from the SPIF of the label's policy; without one the functions stay
/// empty.
struct TagSetFacts {
  /// MISSI tag 2: the one enumerated kind of that tag set; nullopt if it has none or both.
  std::function<std::optional<TagKind>(const Oid& policy, const Oid& tag_set)> enumerated_kind = {};
  /// Whether the informative values of that tag set are carried as bits (SPIF: bitSetAttributes), not as integers.
  std::function<bool(const Oid& policy, const Oid& tag_set)> informative_bits = {};
};

/// How categories are written.
enum class CategorySyntax : std::uint8_t { Acp145, Missi };

inline constexpr std::size_t kLargestLabelText = 64 * 1024;  ///< octets of base 64 (labels.md 15)
inline constexpr Lacv kLargestEssClass = 256;                ///< RFC 2634: ub-integer-options

/// One ESSSecurityLabel and nothing after it.
std::expected<Label, Misreading> decode_ess(std::string_view octets, ber::Rules rules, const TagSetFacts& facts);
/// The text of an esssecuritylabel: white space anywhere is passed over. No octets are malformed, not an empty label.
std::expected<Label, Misreading> decode_ess_text(std::string_view base64, ber::Rules rules, const TagSetFacts& facts);

/// DER. nullopt for what the format has no place for: a class above 256, more than 64 tags, a bit above 65535, more
/// than one privacy mark, MISSI without `facts.enumerated_kind` being of one mind with the label.
std::optional<std::string> encode_ess(const Label& label, CategorySyntax syntax, const TagSetFacts& facts);

/// Both tagged forms, with categories of ACP-145 or one SSLPrivileges.
std::expected<Clearance, Misreading> decode_clearance(std::string_view octets, ber::Rules rules,
                                                      const TagSetFacts& facts);
/// DER, untagged members, categories of ACP-145. nullopt as for labels.
std::optional<std::string> encode_clearance(const Clearance& clearance, const TagSetFacts& facts);

/// Base 64 with XML's white space anywhere; nullopt if it is none, holds nothing or is larger than kLargestLabelText.
std::optional<std::string> octets_of_text(std::string_view base64);

}  // namespace sallyport::policy::label
