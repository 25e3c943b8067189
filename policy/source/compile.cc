// Holds the parts of a policy file against each other and puts the bundle's tables together.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "policy/pipeline.h"
#include "policy/source/keys.h"
#include "policy/source/rules.h"

namespace sallyport::policy::source {
namespace {

std::string line_of(const toml::source_region& at) {
  return "line " + std::to_string(at.begin.line);
}

/// Every owned domain by name, and what was written about it.
struct Owned {
  std::string enclave, home;
  toml::source_region at;
};
using Owners = std::map<std::string, Owned, std::less<>>;

class Compiler {
 public:
  Compiler(Reading& in, const PolicyText& text, const ReadFile& read) : in_(in), text_(text), read_(read) {}

  Tables run() {
    if (text_.enclaves.size() == 1)
      in_.mistake(text_.enclaves.front().name.at, "there is only one enclave",
                  "a boundary has two sides; add the other");
    own_domains();
    withdraw_domains();
    add_enclaves_and_domains();
    for (const PeeringText& peering : text_.peerings) add_peering(peering);
    for (const LoginText& login : text_.logins) add_login(login);
    std::ranges::sort(tables_.logins, {}, [](const Login& l) { return std::pair(l.enclave, l.domain); });
    for (const ContentText& content : text_.contents) add_content(content);
    std::ranges::sort(tables_.routes, {}, [](const Route& r) { return std::pair(r.from, r.to); });
    compare_hidden();
    const RuleLabels labels = compile_labels(in_, text_, read_, tables_);
    compile_rules(in_, text_, labels, tables_);
    if (in_.mistakes().empty()) check_rules(in_, text_, tables_);
    warn();
    tables_.name = text_.name;
    tables_.limits = text_.limits;
    tables_.settings = text_.settings;
    tables_.settings.stages_off = text_.stages.off;
    return std::move(tables_);
  }

 private:
  void own(const Written& domain, const std::string& enclave, const std::string& home) {
    if (domain.text.empty()) return;  // its mistake has been told
    const auto [at, is_new] = owners_.try_emplace(domain.text, Owned{enclave, home, domain.at});
    if (is_new) return;
    const std::string other =
        at->second.enclave == enclave ? "already" : "also in the enclave '" + at->second.enclave + "'";
    in_.mistake(domain.at, "'" + domain.text + "' stands " + other + ", " + line_of(at->second.at),
                "a domain belongs to one enclave and stands there once; take one of the two away");
  }

  void own_domains() {
    for (const EnclaveText& enclave : text_.enclaves) {
      for (const DomainText& domain : enclave.domains) {
        own(domain.name, enclave.name.text, domain.name.text);
        for (const Written& component : domain.components) own(component, enclave.name.text, domain.name.text);
      }
    }
  }

  void withdraw_domains() {
    for (const EnclaveText& enclave : text_.enclaves)
      for (const Written& domain : enclave.withdrawn)
        if (const auto at = owners_.find(domain.text); at != owners_.end())
          in_.mistake(domain.at, "'" + domain.text + "' is withdrawn and owned, " + line_of(at->second.at),
                      "take one of the two away");
  }

  void add_enclaves_and_domains() {
    for (const EnclaveText& text : text_.enclaves) {
      Enclave enclave{.name = text.name.text, .revocation = text.revocation, .withdrawn = {}};
      for (const Written& domain : text.withdrawn) enclave.withdrawn.push_back(domain.text);
      std::ranges::sort(enclave.withdrawn);
      tables_.enclaves.push_back(std::move(enclave));
    }
    std::ranges::sort(tables_.enclaves, {}, &Enclave::name);
    for (const auto& [domain, owned] : owners_)
      tables_.domains.push_back(
          {.name = domain, .enclave = number(tables_.enclaves, owned.enclave), .home = number_of(owned.home)});
  }

  template <class Named>
  static std::uint16_t number(const std::vector<Named>& sorted, const std::string& name) {
    return static_cast<std::uint16_t>(std::ranges::lower_bound(sorted, name, {}, &Named::name) - sorted.begin());
  }
  std::uint16_t number_of(const std::string& domain) const {
    return static_cast<std::uint16_t>(std::distance(owners_.begin(), owners_.find(domain)));
  }

  /// The domains of one side that some enclave owns; a mistake for each other one.
  std::vector<const Written*> known(const std::vector<Written>& side) {
    std::vector<const Written*> found;
    for (const Written& domain : side) {
      if (owners_.contains(domain.text)) {
        found.push_back(&domain);
        continue;
      }
      std::vector<std::string_view> names;
      for (const auto& [name, owned] : owners_) names.emplace_back(name);
      const std::string_view meant = inspect::nearest(domain.text, names);
      in_.mistake(domain.at, "no enclave owns the domain '" + domain.text + "'",
                  meant.empty() ? "add it to its enclave, as a domain or a component"
                                : "did you mean '" + std::string(meant) + "'?");
    }
    return found;
  }

  void add_peering(const PeeringText& text) {
    if (!text.rule.id.empty() && !ids_.insert(text.rule.id).second)
      in_.mistake(text.at, "there is a peering '" + text.rule.id + "' already", "give each peering an id of its own");
    const auto place = static_cast<std::uint16_t>(tables_.peerings.size());
    tables_.peerings.push_back(completed(text));
    hide_resources(text, tables_.peerings.back().presence_rules);
    const std::vector<const Written*> to = known(text.to);
    for (const Written* a : known(text.from)) {
      for (const Written* b : to) {
        if (owners_.find(a->text)->second.enclave == owners_.find(b->text)->second.enclave) {
          in_.mistake(b->at, "'" + a->text + "' and '" + b->text + "' are in one enclave",
                      "a peering crosses the boundary: 'from' and 'to' are domains of different enclaves");
          continue;
        }
        add_route(text, place, *a, *b);
        if (text.both) add_route(text, place, *b, *a);
      }
    }
  }

  /// What is asked of stanzas, but for their labels.
  Peering completed(const GrantText& text) {
    Peering rule = text.rule;
    rule.payloads = text.payloads.all().bits();
    for (const Written* service : known(text.room_services)) rule.presence_rules.room_services.push_back(service->text);
    std::ranges::sort(rule.presence_rules.room_services);
    rule.rates = text_.rates;
    if (text.rate) read_section(in_, *text.rate, rate_section(), rule.rates);
    return rule;
  }

  void hide_resources(const PeeringText& text, presence::Settings& rules) {
    for (const Written* domain : known(text.hidden_resources)) {
      const std::string& home = owners_.find(domain->text)->second.home;
      const auto is_of_home = [&](const Written& each) {
        const auto at = owners_.find(each.text);
        return at != owners_.end() && at->second.home == home;
      };
      if (home != domain->text) {
        in_.mistake(domain->at, "'" + domain->text + "' is a component; nobody has an account there",
                    "name its home domain, '" + home + "'");
      } else if (std::ranges::none_of(text.from, is_of_home) && std::ranges::none_of(text.to, is_of_home)) {
        in_.mistake(domain->at, "the peering '" + text.rule.id + "' has no domain of '" + home + "'",
                    "take it away here, or add it to 'from' or 'to'");
      } else if (std::ranges::find(text.room_services, home, &Written::text) != text.room_services.end()) {
        in_.mistake(domain->at, "'" + home + "' is a room service, where names are nicknames and no resources",
                    "take it away here, or from 'room_services'");
      } else {
        rules.hidden_resources.push_back(home);
      }
    }
    std::ranges::sort(rules.hidden_resources);
  }

  /// Two peerings that have one way each between two domains must hide alike.
  void compare_hidden() {
    std::set<std::tuple<std::uint16_t, std::uint16_t, std::string>> told;
    for (const Route& there : tables_.routes) {
      const auto back = std::ranges::find_if(tables_.routes,
                                             [&](const Route& r) { return r.from == there.to && r.to == there.from; });
      if (back == tables_.routes.end() || back->peering == there.peering) continue;
      const PeeringText &one = text_.peerings[there.peering], &other = text_.peerings[back->peering];
      for (const Written& domain : one.hidden_resources) {
        const auto at = owners_.find(domain.text);
        if (at == owners_.end() || tables_.peerings[back->peering].presence_rules.hides_resources_of(domain.text))
          continue;
        const std::uint16_t home = number_of(at->second.home);
        if (tables_.domains[there.from].home != home && tables_.domains[there.to].home != home) continue;
        if (!told.emplace(there.peering, back->peering, domain.text).second) continue;
        in_.mistake(domain.at,
                    "the peering '" + one.rule.id + "' hides the resources of '" + domain.text + "', and '" +
                        other.rule.id + "', which has the way back, does not",
                    "name the domain in 'hidden_resources' of both, or of neither");
      }
    }
  }

  void add_route(const PeeringText& text, std::uint16_t place, const Written& from, const Written& to) {
    const auto [at, is_new] = granted_.try_emplace(std::pair(from.text, to.text), text.rule.id);
    if (is_new) {
      tables_.routes.push_back({number_of(from.text), number_of(to.text), place});
      return;
    }
    in_.mistake(to.at, "the peering '" + at->second + "' has the pair " + from.text + " to " + to.text + " already",
                "let one peering name the pair, with all kinds of stanzas that may cross");
  }

  void add_login(const LoginText& text) {
    if (!text.plus.text.empty() && !text.login.end_point)
      in_.mistake(text.plus.at, "'" + text.plus.text + "' binds the login to one TLS session, and here there are two",
                  "take it away, or see 'channel_binding'; clients fall back to the mechanism without channel binding");
    if (!text.rule.id.empty() && !ids_.insert(text.rule.id).second)
      in_.mistake(text.at, "there is a rule '" + text.rule.id + "' already", "give each rule an id of its own");
    Login login = text.login;
    login.rule = completed(text);
    for (const Written* domain : known(text.to)) {
      const Owned& owned = owners_.find(domain->text)->second;
      if (owned.home != domain->text) {
        in_.mistake(domain->at, "'" + domain->text + "' is a component; nobody has an account there",
                    "name its home domain, '" + owned.home + "'");
        continue;
      }
      for (const Written& enclave : text.from) add_login_of(login, enclave, *domain, owned);
    }
  }

  void add_login_of(Login login, const Written& enclave, const Written& domain, const Owned& owned) {
    const auto place = std::ranges::find(tables_.enclaves, enclave.text, &Enclave::name);
    if (place == tables_.enclaves.end()) {
      std::vector<std::string_view> names;
      names.reserve(tables_.enclaves.size());
      for (const Enclave& each : tables_.enclaves) names.emplace_back(each.name);
      const std::string_view meant = inspect::nearest(enclave.text, names);
      return in_.mistake(
          enclave.at, "there is no enclave '" + enclave.text + "'",
          meant.empty() ? "write [enclave." + enclave.text + "] for it" : "did you mean '" + std::string(meant) + "'?");
    }
    if (owned.enclave == enclave.text)
      return in_.mistake(domain.at, "'" + domain.text + "' is in the enclave '" + enclave.text + "' itself",
                         "its own clients do not go through the guard; take one of the two away");
    login.enclave = number(tables_.enclaves, enclave.text);
    login.domain = number_of(domain.text);
    const auto same = [&](const Login& l) { return l.enclave == login.enclave && l.domain == login.domain; };
    const auto before = std::ranges::find_if(tables_.logins, same);
    if (before != tables_.logins.end())
      return in_.mistake(
          domain.at, "the login '" + before->rule.id + "' has '" + enclave.text + "' and '" + domain.text + "' already",
          "let one login name the two");
    tables_.logins.push_back(std::move(login));
  }

  void add_content(const ContentText& text) {
    const ContentRule& written = text.rule;
    if (!written.id.empty() && !content_ids_.insert(written.id).second)
      in_.mistake(text.at, "there is a content rule '" + written.id + "' already", "give each an id of its own");
    const bool finds = !written.words.empty() || !written.patterns.empty() || written.links;
    if (!finds && written.most_octets == 0 && written.most_links == 0)
      in_.mistake(text.at, "the content rule '" + written.id + "' looks for nothing",
                  "add words, words_file, patterns, links, max_octets or max_links");
    if (!finds && written.action == ContentAction::Mask)
      in_.warning(text.at, "the content rule '" + written.id + "' has nothing that can be masked, so it refuses", "");
    ContentRule rule = written;
    const std::size_t grants = tables_.peerings.size() + tables_.logins.size();
    for (const Written& id : text.peerings) {
      const std::size_t before = rule.peerings.size();
      for (std::size_t i = 0; i < grants; ++i)
        if (grant(tables_, i).id == id.text) rule.peerings.push_back(static_cast<std::uint16_t>(i));
      if (rule.peerings.size() == before)
        in_.mistake(id.at, "there is no peering or login '" + id.text + "'",
                    "write the id of a [[peering]] or a [[login]]");
    }
    if (text.peerings.empty())
      for (std::size_t i = 0; i < grants; ++i) rule.peerings.push_back(static_cast<std::uint16_t>(i));
    std::ranges::sort(rule.peerings);
    rule.peerings.erase(std::ranges::unique(rule.peerings).begin(), rule.peerings.end());
    tables_.contents.push_back(std::move(rule));
  }

  static bool names(const std::vector<Written>& ids, const std::string& id) {
    return std::ranges::find(ids, id, &Written::text) != ids.end();
  }

  /// Where nobody looks at labels, no rule can tell them apart.
  void warn_of_unseen_labels(const LoginText& login) {
    const bool asks = std::ranges::any_of(text_.rules, [&](const RuleText& rule) {
      return rule.label && (!rule.logins || names(*rule.logins, login.rule.id));
    });
    if (!asks || (login.login.stages_off >> static_cast<unsigned>(Stage::Label) & 1U) == 0) return;
    in_.warning(login.at,
                "the rules that ask for labels see none in the sessions of '" + login.rule.id +
                    "': there those that let cross never match, and those that refuse always do",
                "add rules without 'label' for these sessions");
  }

  void warn() {
    for (auto i = static_cast<unsigned>(Stage::Payload); i <= static_cast<unsigned>(kLastStage); ++i) {
      const std::string stage(name(static_cast<Stage>(i)));
      if ((text_.stages.off >> i) & 1U)
        in_.warning(text_.stages.at, "the stage '" + stage + "' is switched off", "nothing is checked there");
    }
    for (const LoginText& login : text_.logins) {
      for (auto i = static_cast<unsigned>(Stage::Payload); i <= static_cast<unsigned>(kLastStage); ++i)
        if ((login.login.stages_off >> i) & 1U)
          in_.warning(login.at,
                      "the stage '" + std::string(name(static_cast<Stage>(i))) +
                          "' is switched off for the sessions of '" + login.rule.id + "'",
                      "nothing is checked there");
      warn_of_unseen_labels(login);
    }
    if (text_.peerings.empty() && text_.logins.empty())
      in_.warning({}, "there is no peering, so nothing crosses", "add a [[peering]] for what may cross");
    for (const PeeringText& peering : text_.peerings)
      if (peering.rule.iq && !peering.both && !has_way_back(peering))
        in_.warning(peering.at, "the peering '" + peering.rule.id + "' lets iq requests cross, but no answers",
                    "use direction = \"both\", or take \"iq\" away");
    for (const PeeringText& peering : text_.peerings)
      if (peering.rule.proof == Proof::ExternalOrDialback)
        in_.warning(peering.at,
                    "the peering '" + peering.rule.id + "' allows dialback, which this version does not have",
                    "its peers need certificates; take proof = \"dialback\" away");
    for (const auto& [domain, owned] : owners_)
      if (!is_reached(domain, owned))
        in_.warning(owned.at, "no peering names the domain '" + domain + "', so nothing reaches it", "");
  }

  /// By a peering, or in the sessions of those who log in to its server.
  bool is_reached(const std::string& domain, const Owned& owned) const {
    const auto names = [&](const auto& g) { return g.first.first == domain || g.first.second == domain; };
    const auto leads = [&](const Login& login) { return tables_.domains[login.domain].name == owned.home; };
    return std::ranges::any_of(granted_, names) || std::ranges::any_of(tables_.logins, leads);
  }

  bool has_way_back(const PeeringText& peering) const {
    return std::ranges::all_of(peering.from, [&](const Written& a) {
      return std::ranges::all_of(peering.to,
                                 [&](const Written& b) { return granted_.contains(std::pair(b.text, a.text)); });
    });
  }

  Reading& in_;
  const PolicyText& text_;
  const ReadFile& read_;
  Owners owners_;
  std::set<std::string> ids_, content_ids_;
  std::map<std::pair<std::string, std::string>, std::string> granted_;  // pair -> id of its peering
  Tables tables_;
};

void sort(std::vector<Mistake>& told) {
  std::ranges::sort(told, {}, [](const Mistake& m) { return std::tie(m.file, m.line, m.column, m.what); });
}

}  // namespace

std::expected<Compiled, std::vector<Mistake>> compile(std::string_view text, const std::string& file,
                                                      const ReadFile& read) {
  const toml::parse_result parsed = toml::parse(text, file);
  Reading in(file);
  if (!parsed) {
    in.mistake(parsed.error().source(), std::string(parsed.error().description()), "mend the TOML here");
    return std::unexpected(std::move(in.mistakes()));
  }
  PolicyText policy;
  read_section(in, parsed.table(), file_section(), policy);
  if (const auto* stages = parsed.table().get("stages")) policy.stages.at = stages->source();

  Tables tables = Compiler(in, policy, read).run();
  if (!in.mistakes().empty()) {
    sort(in.mistakes());
    return std::unexpected(std::move(in.mistakes()));
  }
  auto bundle = Bundle::make(std::move(tables));
  if (!bundle) {
    in.mistake({}, bundle.error().what, "");
    return std::unexpected(std::move(in.mistakes()));
  }
  check_labels(in, policy, *bundle);
  sort(in.warnings());
  return Compiled{std::move(*bundle), std::move(in.warnings())};
}

}  // namespace sallyport::policy::source
