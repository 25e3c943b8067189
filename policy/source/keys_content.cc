// [[content]] and the rates.
#include <filesystem>
#include <fstream>

#include <re2/re2.h>

#include "policy/source/key_forms.h"
#include "policy/source/keys.h"

namespace sallyport::policy::source {
namespace {

constexpr std::size_t kMostWords = 100'000;
constexpr std::size_t kLongestWord = 1024;

void read_places(Reading& in, const toml::node& node, ContentText& out) {
  in.each(node, "places: [\"body\", \"subject\"]", [&](const toml::node& element) {
    const auto written = in.text(element, "the name of a place in quotes");
    if (!written) return;
    for (unsigned i = 0; i <= static_cast<unsigned>(kLastTextPlace); ++i) {
      if (written->text != name(static_cast<TextPlace>(i))) continue;
      out.rule.places |= bit(static_cast<TextPlace>(i));
      return;
    }
    in.mistake(element.source(), "there is no place " + source::quoted(written->text),
               "the places are body, subject, status, nick, form, room and payload");
  });
}

void add_word(Reading& in, const toml::source_region& at, std::string_view word, ContentText& out) {
  if (word.empty() || word.size() > kLongestWord)
    return in.mistake(at, "a word is empty or longer than 1024 octets", "take it away");
  if (out.rule.words.size() == kMostWords)
    return in.mistake(at, "there are more than 100000 words", "use several [[content]] sections");
  out.rule.words.emplace_back(word);
}

void read_words(Reading& in, const toml::node& node, ContentText& out) {
  in.each(node, "words: [\"codename\"]", [&](const toml::node& element) {
    if (const auto written = in.text(element, "a word in quotes")) add_word(in, written->at, written->text, out);
  });
}

/// One word or phrase a line; '#' begins a comment. A path that is not absolute begins where the policy file is.
void read_words_file(Reading& in, const toml::node& node, ContentText& out) {
  const auto written = in.text(node, "the name of a file in quotes");
  if (!written) return;
  const std::filesystem::path path = std::filesystem::path(in.file()).parent_path() / written->text;
  std::ifstream file(path);
  if (!file) return in.mistake(node.source(), "the file '" + path.string() + "' can't be read", "mend the name");
  for (std::string line; std::getline(file, line);) {
    line.erase(std::ranges::find(line, '#'), line.end());
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) line.pop_back();
    if (!line.empty()) add_word(in, node.source(), line, out);
  }
}

void read_patterns(Reading& in, const toml::node& node, ContentText& out) {
  in.each(node, "patterns: ['case [0-9]+']", [&](const toml::node& element) {
    const auto written = in.text(element, "a pattern in quotes");
    if (!written) return;
    const re2::RE2 pattern(written->text, re2::RE2::Quiet);
    if (!pattern.ok())
      return in.mistake(element.source(), "the pattern is none: " + pattern.error(),
                        "patterns are those of RE2: no look-around, no back-references");
    if (re2::RE2::FullMatch("", pattern))
      return in.mistake(element.source(), "the pattern matches where nothing is", "let it ask for a character");
    out.rule.patterns.push_back(written->text);
  });
}

Key<ContentText> of_rule(const Key<ContentRule>& key) {
  return {key.name,     key.type,
          key.fallback, key.meaning,
          false,        [key](Reading& in, const toml::node& node, ContentText& out) { key.read(in, node, out.rule); }};
}

}  // namespace

Section<ContentText> content_section() {
  using C = ContentText;
  using R = ContentRule;
  return {
      "[[content]]",
      "A rule about text. It looks at all texts in its places, of the stanza and of every stanza inside it; formatted "
      "text is read without its markup. Words are compared whole, after Unicode NFKC and case folding, with invisible "
      "characters and marks removed and look-alikes of other scripts made alike; patterns are RE2 over text that is "
      "NFKC, of lower case, without invisible characters. A run of white space counts as one space in both.",
      {required(Key<C>{"id", "name", "", "The name of the rule in the record of what it refuses.", false,
                       [](Reading& in, const toml::node& node, C& out) {
                         if (const auto written = in.name(node)) out.rule.id = written->text;
                       }}),
       required(of_rule(
           choice<R>("action", &R::action,
                     {{"refuse", ContentAction::Refuse}, {"mask", ContentAction::Mask}, {"flag", ContentAction::Flag}},
                     "`refuse` the stanza; `mask`: write *** for what matched, or refuse where that cannot "
                     "be, as in addresses and payloads; `flag`: a finding in the record."))),
       required(Key<C>{"places", "list of places", "",
                       "Where it looks: `body` (with formatted text), `subject`, `status`, `nick`, `form`, `room` "
                       "(names of rooms in addresses), `payload` (any other text or attribute).",
                       false, read_places}),
       Key<C>{"words", "list of words", "", "Words or phrases.", false, read_words},
       Key<C>{"words_file", "file", "", "A file of words, one a line; `#` begins a comment.", false, read_words_file},
       Key<C>{"patterns", "list of patterns", "", "Regular expressions of RE2.", false, read_patterns},
       of_rule(flag<R>("links", &R::links, "Every link, but those to `link_hosts`.")),
       Key<C>{"link_hosts", "list of domains", "", "Hosts that links may lead to, with all below them.", false,
              [](Reading& in, const toml::node& node, C& out) {
                in.each(node, "a list of hosts: [\"example.org\"]", [&](const toml::node& element) {
                  if (const auto written = in.domain(element)) out.rule.link_hosts.push_back(written->text);
                });
              }},
       of_rule(count<R>("max_octets", &R::most_octets, 0, 2 * 1024 * 1024, "Longest text; 0: any length.")),
       of_rule(count<R>("max_links", &R::most_links, 0, 1000, "Most links in one text; 0: any number.")),
       Key<C>{"peerings", "list of ids of peerings and logins", "",
              "The peerings and logins that it is for. Without it: all.", false,
              [](Reading& in, const toml::node& node, C& out) {
                in.each(node, "ids of peerings: [\"people\"]", [&](const toml::node& element) {
                  if (auto written = in.name(element)) out.peerings.push_back(std::move(*written));
                });
              }}}};
}

Section<Rates> rate_section() {
  using R = Rates;
  return {
      "[rate], [peering.rate] and [login.rate]",
      "How much may cross in a second; 0 is no limit. `[rate]` is for all peerings and logins, `[peering.rate]` and "
      "`[login.rate]` below one for that one, key by key. What a sender may save up is `burst` seconds' worth. Each "
      "session of a login is counted for itself: its two directions are the pairs.",
      {count<R>("pair_stanzas", &R::pair_stanzas, 0, 1'000'000, "Stanzas from one domain to another."),
       count<R>("pair_octets", &R::pair_octets, 0, 1'000'000'000, "Octets from one domain to another."),
       count<R>("user_messages", &R::user_messages, 0, 1'000'000, "Messages of one account."),
       count<R>("user_presence", &R::user_presence, 0, 1'000'000, "Presence of one account."),
       count<R>("user_iqs", &R::user_iqs, 0, 1'000'000, "Requests and answers of one account."),
       count<R>("burst", &R::burst, 1, 3600, "Seconds' worth that may come at once."),
       choice<R>("over", &R::over, {{"wait", OverRate::Wait}, {"drop", OverRate::Drop}},
                 "What is beyond it: `wait` answers `resource-constraint` (wait) where an error may be sent, `drop` "
                 "is silent.")}};
}

}  // namespace sallyport::policy::source
