#include "policy/content/matcher.h"

#include <algorithm>
#include <iterator>
#include <set>

#include <re2/re2.h>

namespace sallyport::policy {
namespace {

using re2::RE2;
using re2::StringPiece;

/// Memory for the automata of one list; beyond it RE2 gets slower, never wrong.
constexpr std::int64_t kListMemory = 64 << 20;

/// A scheme, or what people write without one.
constexpr std::string_view kLink =
    R"((?:[a-z][a-z0-9+.\-]{1,15}://|\bwww\.)([^\s/?#<>"']*)[^\s<>"']*|\b(?:mailto|xmpp|tel|sms|data|javascript|magnet|geo):[^\s<>"']+)";

std::unique_ptr<RE2> compile(const std::string& text) {
  RE2::Options options(RE2::Quiet);
  options.set_max_mem(kListMemory);
  return std::make_unique<RE2>(text, options);
}

std::string alternatives(const std::set<std::string>& all) {
  std::string text;
  for (const std::string& each : all) text += (text.empty() ? "" : "|") + each;
  return text;
}

/// Each of them as a whole word: what stands before and after is no letter or digit.
std::string whole_words(const std::set<std::string>& words) {
  return R"((?:^|[^\pL\pN]))"
         "(" +
         alternatives(words) +
         ")"
         R"((?:$|[^\pL\pN]))";
}

void add_range(std::vector<Range>& ranges, const Folded& folded, std::size_t begin, std::size_t end) {
  if (begin == end) return;
  // A character may have become several octets: it goes as a whole.
  std::size_t last = end;
  while (last < folded.text.size() && folded.from[last] == folded.from[end - 1]) ++last;
  ranges.push_back({folded.from[begin], folded.from[last]});
}

/// All matches; the group that counts is the first, or the whole if there is none.
void find_all(const RE2& expression, const Folded& folded, bool group, std::vector<Range>& ranges) {
  const StringPiece text(folded.text);
  StringPiece found[2];
  std::size_t at = 0;
  while (at <= folded.text.size() &&
         expression.Match(text, at, folded.text.size(), RE2::UNANCHORED, found, group ? 2 : 1)) {
    const StringPiece& match = found[group ? 1 : 0];
    const auto begin = static_cast<std::size_t>(match.data() - folded.text.data());
    add_range(ranges, folded, begin, begin + match.size());
    at = std::max(begin + match.size(), at + 1);
  }
}

bool is_below(std::string_view host, std::string_view of) {
  return host == of || (host.size() > of.size() && host.ends_with(of) && host[host.size() - of.size() - 1] == '.');
}

/// Without user and port.
std::string_view host_of(std::string_view authority) {
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  return authority.substr(0, authority.find(':'));
}

}  // namespace

struct ContentMatcher::Compiled {
  const ContentRule* rule = nullptr;
  std::unique_ptr<RE2> words, patterns;
};

ContentMatcher::ContentMatcher() = default;
ContentMatcher::~ContentMatcher() = default;

std::expected<std::shared_ptr<const ContentMatcher>, std::string> ContentMatcher::make(
    std::span<const ContentRule> given, std::size_t peerings) {
  std::shared_ptr<ContentMatcher> made(new ContentMatcher());
  made->own_.assign(given.begin(), given.end());
  const std::vector<ContentRule>& rules = made->own_;
  made->peerings_.resize(peerings);
  if (rules.empty()) return made;
  made->link_ = compile(std::string(kLink));
  std::vector<std::set<std::string>> words(rules.size()), patterns(rules.size());
  Folder folder;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    for (const std::string& word : rules[i].words) {
      folder.plain(word);
      std::string folded = folder.skeleton().text;
      while (folded.ends_with(' ')) folded.pop_back();
      while (folded.starts_with(' ')) folded.erase(0, 1);
      if (folded.empty()) return std::unexpected("the word \"" + word + "\" has no letters");
      words[i].insert(RE2::QuoteMeta(folded));
    }
    for (const std::string& pattern : rules[i].patterns) {
      const auto alone = compile(pattern);
      if (!alone->ok()) return std::unexpected("the pattern \"" + pattern + "\": " + alone->error());
      if (RE2::FullMatch("", *alone))
        return std::unexpected("the pattern \"" + pattern + "\" matches where nothing is");
      patterns[i].insert("(?:" + pattern + ")");
    }
    Compiled& compiled = made->rules_.emplace_back();
    compiled.rule = &rules[i];
    if (!words[i].empty()) compiled.words = compile(whole_words(words[i]));
    if (!patterns[i].empty()) compiled.patterns = compile(alternatives(patterns[i]));
    for (const RE2* each : {compiled.words.get(), compiled.patterns.get()})
      if (each && !each->ok()) return std::unexpected("the list of '" + rules[i].id + "' is too large");
  }
  for (std::size_t number = 0; number < peerings; ++number) {
    ForPeering& each = made->peerings_[number];
    std::set<std::string> all_words, all_patterns;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if (!std::ranges::binary_search(rules[i].peerings, number)) continue;
      each.rules.push_back(i);
      each.places |= rules[i].places;
      all_words.insert(words[i].begin(), words[i].end());
      all_patterns.insert(patterns[i].begin(), patterns[i].end());
    }
    if (!all_words.empty()) each.words = compile(whole_words(all_words));
    if (!all_patterns.empty()) each.patterns = compile(alternatives(all_patterns));
    for (const RE2* list : {each.words.get(), each.patterns.get()})
      if (list && !list->ok()) return std::unexpected("all lists of one peering together are too large");
  }
  return made;
}

void ContentMatcher::match(std::size_t peering, TextPlace place, std::string_view text, Folder& folder,
                           std::vector<Hit>& out) const {
  const ForPeering& of = peerings_[peering];
  if ((of.places & bit(place)) == 0 || text.empty()) return;
  const Folded& plain = folder.plain(text);
  const bool any_pattern = of.patterns && RE2::PartialMatch(plain.text, *of.patterns);
  const Folded* skeleton = of.words ? &folder.skeleton() : nullptr;
  const bool any_word = skeleton && RE2::PartialMatch(skeleton->text, *of.words);
  for (const std::size_t number : of.rules) {
    const Compiled& compiled = rules_[number];
    const ContentRule& rule = *compiled.rule;
    if ((rule.places & bit(place)) == 0) continue;
    Hit hit{&rule, {}};
    bool whole = rule.most_octets != 0 && text.size() > rule.most_octets;
    if (any_word && compiled.words) find_all(*compiled.words, *skeleton, true, hit.ranges);
    if (any_pattern && compiled.patterns) find_all(*compiled.patterns, plain, false, hit.ranges);
    if (rule.links || rule.most_links != 0) {
      StringPiece rest(plain.text), found[2];
      std::size_t at = 0;
      std::uint32_t links = 0;
      while (link_->Match(rest, at, plain.text.size(), RE2::UNANCHORED, found, 2)) {
        const auto begin = static_cast<std::size_t>(found[0].data() - plain.text.data());
        at = begin + found[0].size();
        ++links;
        const std::string_view host = host_of({found[1].data() ? found[1].data() : "", found[1].size()});
        const bool allowed =
            !host.empty() && std::ranges::any_of(rule.link_hosts, [&](const std::string& allowed_host) {
              return is_below(host, allowed_host);
            });
        if (rule.links && !allowed) add_range(hit.ranges, plain, begin, at);
      }
      whole = whole || (rule.most_links != 0 && links > rule.most_links);
    }
    if (whole) hit.ranges.clear();
    if (whole || !hit.ranges.empty()) out.push_back(std::move(hit));
  }
}

}  // namespace sallyport::policy
