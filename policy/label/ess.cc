#include "policy/label/ess.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "inspect/base64.h"
#include "inspect/utf8.h"
#include "policy/label/categories.h"

namespace sallyport::policy::label {
namespace {

constexpr std::size_t kLongestPrintableMark = 128;  // RFC 2634: ub-privacy-mark-length
constexpr std::size_t kLongestUtf8Mark = 1'024;     // octets; RFC 2634 sets no limit

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(" '()+,-./:=?").find(c) != std::string_view::npos;
  });
}

/// One line of text without control characters.
bool is_line(std::string_view text) {
  return inspect::is_clean_text(text) && text.find_first_of("\t\r\n") == std::string_view::npos;
}

bool is_privacy_mark(const ber::Element& element) {
  const std::string_view text = element.content;
  if (text.empty()) return false;
  if (element.tag == ber::kPrintableString) return text.size() <= kLongestPrintableMark && is_printable(text);
  return text.size() <= kLongestUtf8Mark && is_line(text);
}

/// The members of the SET as they stand there. Categories can be read only when the others are known.
class LabelReader {
 public:
  LabelReader(std::string_view octets, ber::Rules rules, const TagSetFacts& facts)
      : decoding_{.rules = rules}, top_(octets, decoding_), facts_(facts) {}

  std::expected<Label, Misreading> run() {
    ber::Reader members = top_.inside(top_.only(ber::kSet));
    unsigned before = 0;
    while (!members.at_end()) {
      const ber::Element member = members.next();
      const unsigned number = member.tag & 0x1FU;
      // X.690 10.3: a SET is sorted by tag.
      members.require(!members.is_der() || before < number);
      before = number;
      members.require(take(member));
    }
    if (!decoding_.ok) return std::unexpected(Misreading::Malformed);
    if (categories_) {
      const CategoryHolder holder{
          .policy = label_.policy, .classification = label_.classification, .is_clearance = false, .facts = facts_};
      auto found = read_categories(members.inside(*categories_), holder);
      if (!found) return std::unexpected(found.error());
      label_.categories = std::move(found->values);
      label_.empty = std::move(found->empty);
      label_.format = is_missi(*categories_) ? Format::Missi : Format::Ess;
    } else {
      label_.format = Format::Ess;
    }
    label_.settle();
    return std::move(label_);
  }

 private:
  /// False if it is none of the four members, or there for the second time, or malformed.
  bool take(const ber::Element& member) {
    switch (member.tag) {
      case ber::kInteger:
        if (label_.classification) return false;
        label_.classification = ber::read_integer(member.content, kLargestEssClass);
        return label_.classification.has_value();
      case ber::kOid: {
        auto oid = Oid::of_content(member.content);
        if (!oid || !label_.policy.empty()) return false;
        label_.policy = std::move(*oid);
        return true;
      }
      case ber::kUtf8String:
      case ber::kPrintableString:
        if (!label_.privacy_marks.empty() || !is_privacy_mark(member)) return false;
        label_.privacy_marks.emplace_back(member.content);
        return true;
      case ber::kSet:
        return !std::exchange(categories_, member).has_value();
      default:
        return false;
    }
  }

  /// The categories have been read, so the type of the first tells the syntax: the ACP-145 types are one octet longer.
  bool is_missi(const ber::Element& categories) {
    ber::Reader members = top_.inside(categories);
    ber::Reader first = members.inside(members.next());
    return first.next().content.ends_with("\x08\x01");
  }

  ber::Decoding decoding_;
  ber::Reader top_;
  const TagSetFacts& facts_;
  Label label_;
  std::optional<ber::Element> categories_;
};

}  // namespace

std::expected<Label, Misreading> decode_ess(std::string_view octets, ber::Rules rules, const TagSetFacts& facts) {
  return LabelReader(octets, rules, facts).run();
}

std::expected<Label, Misreading> decode_ess_text(std::string_view base64, ber::Rules rules, const TagSetFacts& facts) {
  const auto octets = octets_of_text(base64);
  if (!octets) return std::unexpected(Misreading::Malformed);
  return decode_ess(*octets, rules, facts);
}

std::optional<std::string> encode_ess(const Label& label, CategorySyntax syntax, const TagSetFacts& facts) {
  if (label.classification && *label.classification > kLargestEssClass) return std::nullopt;
  if (label.privacy_marks.size() > 1) return std::nullopt;
  const CategoryHolder holder{
      .policy = label.policy, .classification = label.classification, .is_clearance = false, .facts = facts};
  const auto categories = write_categories({label.categories, label.empty}, syntax, holder);
  if (!categories) return std::nullopt;

  // In the order of the tags: 2, 6, 12, 17. The mark is always a UTF8String, which has room for every one.
  std::string members;
  if (label.classification) members += ber::write_integer(*label.classification);
  if (!label.policy.empty()) members += ber::write(ber::kOid, label.policy.content());
  for (const std::string& mark : label.privacy_marks) {
    if (mark.empty() || mark.size() > kLongestUtf8Mark || !is_line(mark)) return std::nullopt;
    members += ber::write(ber::kUtf8String, mark);
  }
  return ber::write(ber::kSet, members + *categories);
}

std::optional<std::string> octets_of_text(std::string_view base64) {
  if (base64.size() > kLargestLabelText) return std::nullopt;
  constexpr std::string_view kWhiteSpace = " \t\r\n";
  std::string text(base64);
  std::erase_if(text, [&](char c) { return kWhiteSpace.find(c) != std::string_view::npos; });
  if (text.empty()) return std::nullopt;
  return inspect::decode_base64(text);
}

}  // namespace sallyport::policy::label
