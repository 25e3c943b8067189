#include "policy/proof/claim.h"

#include <algorithm>
#include <array>

#include "inspect/jid.h"
#include "inspect/mistake.h"

namespace sallyport::policy::proof {
namespace {

using Asks = Quality::Asks;

constexpr std::string_view kGrammar =
    "  SUBJECT [QUALITY [and QUALITY ...]] crosses [from PLACE] [to PLACE]\n"
    "\n"
    "  SUBJECT   nothing | no message | no presence | no iq\n"
    "            something | some message | some presence | some iq\n"
    "  QUALITY   above CLASS | below CLASS | of CLASS | with TAG:VALUE | "
    "without TAG:VALUE | without label\n"
    "  PLACE     DOMAIN | enclave:NAME | BARE-JID\n"
    "\n"
    "CLASS and TAG:VALUE are names of the label policies, as the SPIF writes "
    "them; POLICY/CLASS and\n"
    "POLICY/TAG:VALUE name one of these policies.\n";

struct AsksRow {
  std::string_view word;
  Asks asks;
};
constexpr std::array<AsksRow, 5> kAsks = {{{"above", Asks::Above},
                                           {"below", Asks::Below},
                                           {"of", Asks::Of},
                                           {"with", Asks::With},
                                           {"without", Asks::Without}}};

bool is_keyword(std::string_view word) {
  return word == "crosses" || word == "and" || std::ranges::find(kAsks, word, &AsksRow::word) != kAsks.end();
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t at = text.find_first_not_of(" \t\n"); at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(" \t\n", at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = text.find_first_not_of(" \t\n", end);
  }
  return words;
}

class ClaimReader {
 public:
  ClaimReader(std::string_view text, const Bundle& bundle)
      : words_(words_of(text)), bundle_(bundle), rules_(*bundle.label_rules()) {}

  std::expected<Claim, std::string> run() {
    Claim claim;
    for (const std::string& word : words_) claim.text += (claim.text.empty() ? "" : " ") + word;
    subject(claim);
    while (fault_.empty() && peek() != "crosses" && !peek().empty()) quality(claim);
    expect("crosses");
    while (fault_.empty() && !peek().empty()) place(claim);
    if (!fault_.empty()) return std::unexpected(fault_);
    return claim;
  }

 private:
  std::string_view peek() const { return at_ < words_.size() ? std::string_view(words_[at_]) : std::string_view(); }
  std::string next() { return at_ < words_.size() ? words_[at_++] : std::string(); }
  void fault(std::string what) {
    if (fault_.empty()) fault_ = std::move(what);
  }
  void expect(std::string_view word) {
    const std::string found = next();
    if (found == word) return;
    const std::string wanted = "'" + std::string(word) + "'";
    fault(found.empty() ? "the claim ends where " + wanted + " is expected"
                        : "'" + found + "' stands where " + wanted + " is expected");
  }

  void subject(Claim& claim) {
    const std::string word = next();
    claim.some = word == "something" || word == "some";
    if (word == "nothing" || word == "something") return;
    if (word != "no" && word != "some")
      return fault("a claim begins with nothing, no, something or some" +
                   (word.empty() ? std::string() : ", not with '" + word + "'"));
    const std::string kind = next();
    for (unsigned i = 0; i <= static_cast<unsigned>(kLastKind); ++i)
      if (kind == name(static_cast<Kind>(i))) claim.kind = static_cast<Kind>(i);
    if (!claim.kind) fault("'" + word + "' is followed by message, presence or iq, not by '" + kind + "'");
  }

  void quality(Claim& claim) {
    if (peek() == "and" && !claim.qualities.empty()) next();
    const std::string word = next();
    const auto* row = std::ranges::find(kAsks, word, &AsksRow::word);
    if (row == kAsks.end())
      return fault("'" + word +
                   "' stands where above, below, of, with, without or crosses "
                   "is expected");
    Quality quality;
    quality.asks = row->asks;
    while (!peek().empty() && !is_keyword(peek())) quality.name += (quality.name.empty() ? "" : " ") + next();
    if (quality.name.empty()) return fault("'" + word + "' is followed by no name");
    if (quality.asks == Asks::Without && quality.name == "label") {
      quality.asks = Asks::Unlabelled;
    } else {
      look_up(quality);
    }
    claim.qualities.push_back(std::move(quality));
  }

  /// In every policy, or in the one whose name stands before a slash.
  void look_up(Quality& quality) {
    std::vector<std::string> known;
    const auto policies = static_cast<std::uint16_t>(rules_.tables().policies.size());
    const bool of_class = quality.asks != Asks::With && quality.asks != Asks::Without;
    for (std::uint16_t p = 0; p < policies; ++p) {
      const std::string prefix = rules_.row(p).name + "/";
      const auto is_named = [&](const std::string& name) {
        known.push_back(name);
        return quality.name == name || quality.name == prefix + name;
      };
      const label::Policy& policy = rules_.policy(p);
      for (label::Number c = 0; of_class && c < policy.spif().classes.size(); ++c)
        if (is_named(policy.class_at(c).name)) quality.classes.emplace_back(p, c);
      for (label::CatNumber v = 0; !of_class && v < policy.category_count(); ++v) {
        const label::Tag& tag = policy.tag_at(policy.tag_of(v));
        const std::string end = ":" + policy.category_at(v).name;
        const bool by_set = is_named(policy.tag_set_at(tag.tag_set).name + end);
        if (is_named(tag.name + end) || by_set) quality.values.emplace_back(p, v);
      }
    }
    if (!quality.classes.empty() || !quality.values.empty()) return;
    const std::vector<std::string_view> views(known.begin(), known.end());
    const std::string_view meant = inspect::nearest(quality.name, views);
    fault("no label policy of this policy has the " + std::string(of_class ? "class" : "value") + " '" + quality.name +
          "'" + (meant.empty() ? "" : "; did you mean '" + std::string(meant) + "'?"));
  }

  void place(Claim& claim) {
    const std::string word = next();
    if (word != "from" && word != "to") return fault("'" + word + "' stands where from or to is expected");
    Place& place = word == "from" ? claim.from : claim.to;
    if (!place.any) return fault("'" + word + "' stands there twice");
    place.any = false;
    const std::string name = next();
    if (name.empty()) return fault("'" + word + "' is followed by no place");
    if (name.starts_with("enclave:")) return enclave(name, place);
    const auto jid = inspect::Jid::parse(name, inspect::JidProfile::Unicode);
    if (!jid || !jid->is_bare()) return fault("'" + name + "' is neither a domain, an enclave nor a bare JID");
    const Domain* domain = bundle_.domain(jid->domain());
    if (!domain) return fault("no enclave owns the domain '" + std::string(jid->domain()) + "'");
    place.domains = {bundle_.number_of(*domain)};
    if (!jid->local().empty()) place.bare = std::string(jid->full());
  }

  void enclave(const std::string& name, Place& place) {
    const Enclave* wanted = bundle_.enclave(std::string_view(name).substr(8));
    if (!wanted) return fault("there is no enclave '" + name.substr(8) + "'");
    place.enclave = static_cast<std::uint16_t>(wanted - bundle_.tables().enclaves.data());
    for (const Domain& domain : bundle_.tables().domains)
      if (&bundle_.enclave_of(domain) == wanted) place.domains.push_back(bundle_.number_of(domain));
  }

  std::vector<std::string> words_;
  std::size_t at_ = 0;
  const Bundle& bundle_;
  const LabelRules& rules_;
  std::string fault_;
};

template <class Test>
bool on_some_side(const JudgedLabel& label, Test test) {
  return test(label.source) || (label.translated && test(*label.translated));
}

}  // namespace

bool Quality::is_met(const JudgedLabel* label, const LabelRules& rules) const {
  if (!label || asks == Asks::Unlabelled) return !label && asks == Asks::Unlabelled;
  return on_some_side(*label, [&](const LabelSide& side) {
    const auto rank = [&](label::Number number) { return rules.policy(side.policy).class_at(number).rank; };
    const auto by_class = [&](auto test) {
      return std::ranges::any_of(classes,
                                 [&](const auto& each) { return each.first == side.policy && test(each.second); });
    };
    const auto by_value = [&](bool has) {
      return std::ranges::any_of(
          values, [&](const auto& each) { return each.first == side.policy && side.resolved.has(each.second) == has; });
    };
    const label::Number own = side.resolved.classification;
    switch (asks) {
      case Asks::Above:
        return by_class([&](label::Number number) { return rank(own) > rank(number); });
      case Asks::Below:
        return by_class([&](label::Number number) { return rank(own) < rank(number); });
      case Asks::Of:
        return by_class([&](label::Number number) { return own == number; });
      case Asks::With:
        return by_value(true);
      case Asks::Without:
        return by_value(false);
      case Asks::Unlabelled:
        return false;
    }
    return false;
  });
}

bool Quality::compares(const JudgedLabel& label) const {
  return on_some_side(label, [&](const LabelSide& side) {
    const auto is_its = [&](const auto& each) { return each.first == side.policy; };
    return std::ranges::any_of(classes, is_its) || std::ranges::any_of(values, is_its);
  });
}

bool Place::has(std::uint16_t domain) const {
  return any || std::ranges::binary_search(domains, domain);
}

bool Claim::is_met(const JudgedLabel* label, const LabelRules& rules) const {
  return std::ranges::all_of(qualities, [&](const Quality& quality) { return quality.is_met(label, rules); });
}

std::expected<Claim, std::string> read_claim(std::string_view text, const Bundle& bundle) {
  return ClaimReader(text, bundle).run();
}

std::string_view claim_grammar() {
  return kGrammar;
}

}  // namespace sallyport::policy::proof
