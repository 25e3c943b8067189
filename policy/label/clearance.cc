// The clearance attribute of RFC 5755 and RFC 3281 (labels.md 4.1).
#include <algorithm>
#include <cstddef>
#include <utility>

#include "policy/label/categories.h"
#include "policy/label/ess.h"

namespace sallyport::policy::label {
namespace {

/// classList DEFAULT {unclassified(1)}
const std::vector<Lacv> kDefaultClasses = {1};

/// The tags of the members: RFC 5755 has none of its own, RFC 3281 and X.841 tag them implicitly.
struct MemberTags {
  std::uint8_t policy, classes, categories;
};
constexpr MemberTags kUntagged = {ber::kOid, ber::kBitString, ber::kSet};
constexpr MemberTags kTagged = {ber::primitive(0), ber::primitive(1), ber::constructed(2)};

/// A named-bit list: DER has neither trailing zeros nor the default (X.690 11.2.2, 11.5).
bool is_der_list(std::string_view content, const std::vector<Lacv>& bits) {
  return ber::write(ber::kBitString, content) == ber::write_bits(ber::kBitString, bits) && bits != kDefaultClasses;
}

}  // namespace

std::expected<Clearance, Misreading> decode_clearance(std::string_view octets, ber::Rules rules,
                                                      const TagSetFacts& facts) {
  ber::Decoding decoding{.rules = rules};
  ber::Reader top(octets, decoding);
  ber::Reader members = top.inside(top.only(ber::kSequence));
  const ber::Element policy = members.next();
  const MemberTags& tags = policy.tag == kTagged.policy ? kTagged : kUntagged;
  members.require(policy.tag == tags.policy);
  auto oid = Oid::of_content(policy.content);
  members.require(oid.has_value());
  Clearance clearance;
  if (oid) clearance.policy = std::move(*oid);
  clearance.classes = kDefaultClasses;

  ber::Element member = members.at_end() ? ber::Element() : members.next();
  if (member.tag == tags.classes) {
    auto bits = ber::read_bits(member.content, kLargestBit + 1);
    members.require(bits.has_value() && (!members.is_der() || is_der_list(member.content, *bits)));
    if (bits) clearance.classes = std::move(*bits);
    member = members.at_end() ? ber::Element() : members.next();
  }
  members.require(members.at_end() && (member.tag == 0 || member.tag == tags.categories));
  if (!decoding.ok) return std::unexpected(Misreading::Malformed);
  if (member.tag != 0) {
    const CategoryHolder holder{
        .policy = clearance.policy, .classification = std::nullopt, .is_clearance = true, .facts = facts};
    auto found = read_categories(members.inside(member), holder);
    if (!found) return std::unexpected(found.error());
    // A tag without a value grants nothing, and is no fault of a clearance.
    clearance.categories = std::move(found->values);
  }
  clearance.settle();
  return clearance;
}

std::optional<std::string> encode_clearance(const Clearance& clearance, const TagSetFacts& facts) {
  if (!clearance.classes.empty() && clearance.classes.back() > kLargestBit) return std::nullopt;
  const CategoryHolder holder{
      .policy = clearance.policy, .classification = std::nullopt, .is_clearance = true, .facts = facts};
  const auto categories = write_categories({clearance.categories, {}}, CategorySyntax::Acp145, holder);
  if (!categories || clearance.policy.empty()) return std::nullopt;
  std::string members = ber::write(ber::kOid, clearance.policy.content());
  if (clearance.classes != kDefaultClasses) members += ber::write_bits(ber::kBitString, clearance.classes);
  return ber::write(ber::kSequence, members + *categories);
}

}  // namespace sallyport::policy::label
