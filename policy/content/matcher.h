// The content rules of a bundle, made ready: one automaton for all words and one for all patterns of a peering, and one
// of each for every rule. Immutable, shared between threads, beside the bundle.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/content/fold.h"
#include "policy/content/rule.h"

namespace re2 {
class RE2;
}

namespace sallyport::policy {

/// A part of a text, in octets.
struct Range {
  std::size_t begin = 0, end = 0;
};

class ContentMatcher {
 public:
  /// What was looked for and found: a rule, and where, if that can be said.
  struct Hit {
    const ContentRule* rule = nullptr;
    std::vector<Range> ranges;  ///< in the source; empty: the text as a whole
  };

  /// Compiles a copy of the rules. What is told is a mistake in one.
  static std::expected<std::shared_ptr<const ContentMatcher>, std::string> make(std::span<const ContentRule> rules,
                                                                                std::size_t peerings);
  ~ContentMatcher();

  /// Whether any rule looks at stanzas of the peering.
  bool looks_at(std::size_t peering) const { return !peerings_[peering].rules.empty(); }
  /// Every rule of the peering that hits a text in that place. Linear in the length of the text.
  void match(std::size_t peering, TextPlace place, std::string_view text, Folder& folder, std::vector<Hit>& out) const;

 private:
  struct Compiled;
  struct ForPeering {
    std::vector<std::size_t> rules;
    std::unique_ptr<re2::RE2> words, patterns;  // of all rules; null if none has any
    std::uint16_t places = 0;
  };
  ContentMatcher();

  std::vector<ContentRule> own_;
  std::vector<Compiled> rules_;  // of own_, in its order
  std::vector<ForPeering> peerings_;
  std::unique_ptr<re2::RE2> link_;
};

}  // namespace sallyport::policy
