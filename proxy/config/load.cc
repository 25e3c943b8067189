#include "proxy/config/load.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <tuple>

#include "proxy/config/keys.h"
#include "proxy/config/values.h"

namespace sallyport::config {

namespace {

constexpr std::uintmax_t kLargestFile = 1024 * 1024;

/// Reads the keys of one table; what is not in the section is a mistake, and so is a required key that is not there.
template <class T>
void read_keys(Reading& in, const toml::table& table, const Section<T>& section, T& out) {
  const std::string shown = in.table().empty() ? "at the top of the file" : "in [" + in.table() + "]";
  std::vector<std::string_view> known(section.tables.begin(), section.tables.end());
  for (const Key<T>& key : section.keys) known.emplace_back(key.text.name);
  for (const auto& [name, node] : table) {
    if (std::ranges::find(section.tables, name.str()) != section.tables.end()) continue;
    const auto key = std::ranges::find(section.keys, name.str(), [](const Key<T>& k) { return k.text.name; });
    if (key == section.keys.end()) {
      const std::string_view meant = inspect::nearest(name.str(), known);
      in.mistake(name.source(), "unknown key '" + std::string(name.str()) + "' " + shown,
                 meant.empty() ? "take it away; sallyport.toml(5) lists the keys"
                               : "did you mean '" + std::string(meant) + "'?");
      continue;
    }
    in.place(name.str(), node);
    key->read(in, node, out);
  }
  for (const Key<T>& key : section.keys) {
    if (!key.text.required || table.contains(key.text.name)) continue;
    in.mistake(table.source(), "'" + key.text.name + "' is missing " + shown, key.text.meaning);
  }
}

/// The table of that name in `parent`, or nullptr after a mistake if it has to be there or is something else.
const toml::table* subtable(Reading& in, const toml::table& parent, std::string_view name, bool must_be) {
  const toml::node* node = parent.get(name);
  const std::string full = in.full_name(name);
  if (node == nullptr) {
    if (must_be)
      in.mistake(parent.source(), "the table [" + full + "] is missing", "add it; sallyport.toml(5) shows how");
    return nullptr;
  }
  if (node->as_table() == nullptr)
    in.mistake(*node, "'" + full + "' is not a table", "write [" + full + "] on a line of its own");
  return node->as_table();
}

/// What no two tables of a list may share.
template <class T>
std::string subject(const T& entry) {
  return entry.domain;
}
std::string subject(const NextHop& hop) {
  return hop.domain.empty() || hop.service == Service::Servers ? hop.domain : hop.domain + " clients";
}

template <class T>
void read_array(Reading& in, const toml::table& parent, const Section<T>& section, std::string_view name,
                std::vector<T>& out) {
  const toml::node* node = parent.get(name);
  if (node == nullptr) return;
  const std::string outer = in.table();
  const auto* tables = node->as_array();
  std::set<std::string> seen;
  for (std::size_t i = 0; tables != nullptr && i < tables->size(); ++i) {
    const auto* table = tables->get(i)->as_table();
    if (table == nullptr) {
      tables = nullptr;
      break;
    }
    in.enter(outer + "." + std::string(name) + "[" + std::to_string(i) + "]");
    T& entry = out.emplace_back();
    read_keys(in, *table, section, entry);
    if (const std::string about = subject(entry); !about.empty() && !seen.insert(about).second) {
      in.mistake(*table->get("domain"), "a second table for the domain '" + entry.domain + "'",
                 "put both into one, or take one away");
    }
  }
  in.enter(outer);
  if (tables == nullptr) {
    in.mistake(*node, "'" + in.full_name(name) + "' is not a list of tables",
               "write [[" + in.full_name(name) + "]] for each");
  }
}

bool is_enclave_name(std::string_view name) {
  return !name.empty() && name.size() <= 32 && name.front() != '-' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

/// What only shows when the keys of an edge are seen together.
void check_edge(Reading& in, const toml::table& table, const Edge& edge) {
  for (const NextHop& hop : edge.next_hops) {
    if (std::ranges::none_of(edge.faces, [&](const Face& face) { return face.domain == hop.domain; })) continue;
    in.mistake(table.source(),
               "'" + hop.domain + "' is both a face and a next hop of the enclave '" + edge.enclave + "'",
               "a face is for a domain of another enclave, a next hop for one of this enclave: take one away");
  }
  for (const Pin& pin : edge.pins) {
    if (std::ranges::none_of(edge.faces, [&](const Face& face) { return face.domain == pin.domain; })) continue;
    in.mistake(table.source(), "'" + pin.domain + "' is both a face and pinned in the enclave '" + edge.enclave + "'",
               "pins are for the servers of this enclave: take one away");
  }
  for (const Login& login : edge.logins) {
    if (std::ranges::any_of(edge.faces, [&](const Face& face) { return face.domain == login.domain; })) {
      in.mistake(table.source(),
                 "'" + login.domain + "' has both a face and a login table in the enclave '" + edge.enclave + "'",
                 "a face is for a domain of another enclave, a login table for one of this enclave: take one away");
    }
    if (login.certificate.empty() != login.key.empty()) {
      in.mistake(table.source(),
                 "the login table of '" + login.domain + "' has a certificate without a key, or a key without one",
                 "write both, or neither");
    }
    if (login.probe.empty() != login.probe_password.empty()) {
      in.mistake(table.source(),
                 "the login table of '" + login.domain + "' has a probe without a password, or a password without one",
                 "write both, or neither");
    }
  }
}

Edge read_edge(Reading& in, const toml::key& name, const toml::table& table) {
  Edge edge;
  edge.enclave = std::string(name.str());
  in.enter("edge." + edge.enclave);
  if (!is_enclave_name(edge.enclave)) {
    in.mistake(name.source(), "'" + edge.enclave + "' can't be the name of an enclave",
               "use up to 32 lower case letters, digits and '-'");
  }
  read_keys(in, table, edge_section(), edge);
  read_array(in, table, face_section(), "face", edge.faces);
  read_array(in, table, next_hop_section(), "next_hop", edge.next_hops);
  read_array(in, table, pin_section(), "pin", edge.pins);
  read_array(in, table, login_section(), "login", edge.logins);
  if (const auto* limits = subtable(in, table, "limits", false)) {
    in.enter("edge." + edge.enclave + ".limits");
    read_keys(in, *limits, limits_section(), edge.limits);
    in.enter("edge." + edge.enclave);
  }
  if (const auto* limits = subtable(in, table, "client_limits", false)) {
    in.enter("edge." + edge.enclave + ".client_limits");
    read_keys(in, *limits, client_limits_section(), edge.client_limits);
    in.enter("edge." + edge.enclave);
  }
  check_edge(in, table, edge);
  in.enter("");
  return edge;
}

/// Two listeners on one address and port could not both open, except direct TLS of servers and clients of one enclave.
void check_listeners(Reading& in, const toml::table& edges) {
  std::map<std::string, std::string> seen;  // address, the list that it stands in
  for (const auto& [name, node] : edges) {
    for (const std::string_view key : {"listen", "listen_tls", "listen_clients", "listen_clients_tls"}) {
      const auto* table = node.as_table();
      const auto* list = table != nullptr ? table->get_as<toml::array>(key) : nullptr;
      for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
        const auto* text = list->get(i)->as_string();
        const auto at = text != nullptr ? parse_endpoint(text->get()) : std::nullopt;
        if (!at) continue;
        const auto [before, is_new] =
            seen.emplace(endpoint_text(*at), std::string(name.str()) + "." + std::string(key));
        const bool shared = key == "listen_clients_tls" && before->second == std::string(name.str()) + ".listen_tls";
        if (shared) before->second += " and clients";
        if (!is_new && !shared) {
          in.mistake(*text, "'" + text->get() + "' is listened on twice", "give each listener its own address or port");
        }
      }
    }
  }
}

/// More signatures than officers would leave the guard without any policy.
void check_officers(Reading& in, const toml::table& table, const Guard& guard) {
  const auto* written = table.get_as<std::int64_t>("signatures");
  // One that is no number of signatures has been told.
  if (written == nullptr || written->get() != guard.signatures || guard.signatures <= guard.officers.size()) return;
  in.mistake(*written, "'signatures' asks for more than there are officers",
             guard.officers.empty()
                 ? "list their public keys in officers, or take it away"
                 : "list more public keys in officers, or lower it to " + std::to_string(guard.officers.size()));
}

Config read_config(Reading& in, const toml::table& root) {
  Config config;
  read_keys(in, root, file_section(), config);
  if (const auto* guard = subtable(in, root, "guard", true)) {
    in.enter("guard");
    read_keys(in, *guard, guard_section(), config.guard);
    check_officers(in, *guard, config.guard);
    in.enter("");
  }
  if (const auto* audit = subtable(in, root, "audit", true)) {
    in.enter("audit");
    read_keys(in, *audit, audit_section(), config.audit);
    in.enter("");
  }
  const auto* edges = subtable(in, root, "edge", true);
  if (edges == nullptr) return config;
  for (const auto& [name, node] : *edges) {
    if (const auto* table = node.as_table()) {
      config.edges.push_back(read_edge(in, name, *table));
    } else {
      in.mistake(name.source(), "'edge." + std::string(name.str()) + "' is not a table",
                 "settings of an edge stand in [edge.NAME], with the enclave's name");
    }
  }
  check_listeners(in, *edges);
  return config;
}

}  // namespace

Mistake Located::mistake(std::string_view key, std::string what, std::string remedy) const {
  const auto found = places.find(key);
  const Place place = found == places.end() ? Place{} : found->second;
  return {file.string(), place.line, place.column, std::move(what), std::move(remedy)};
}

std::expected<Located, std::vector<Mistake>> read(std::string_view text, const std::filesystem::path& file) {
  Reading in(file);
  const toml::parse_result parsed = toml::parse(text, file.string());
  if (!parsed) {
    in.mistake(parsed.error().source(), "not TOML: " + std::string(parsed.error().description()),
               "mend this first; what follows it could not be read");
    return std::unexpected(std::move(in.mistakes()));
  }
  Config config = read_config(in, parsed.table());
  if (in.mistakes().empty()) return Located{std::move(config), file, std::move(in.places())};
  std::ranges::sort(in.mistakes(), [](const Mistake& a, const Mistake& b) {
    return std::tie(a.line, a.column, a.what) < std::tie(b.line, b.column, b.what);
  });
  return std::unexpected(std::move(in.mistakes()));
}

std::expected<Located, std::vector<Mistake>> load_located(const std::filesystem::path& file) {
  const auto unreadable = [&](std::string what, std::string remedy) {
    return std::unexpected(std::vector{Mistake{file.string(), 0, 0, std::move(what), std::move(remedy)}});
  };
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (error) return unreadable("can't be read: " + error.message(), "check the name and the permissions");
  if (size > kLargestFile) return unreadable("is larger than 1 MiB", "is this the right file?");
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return unreadable("can't be opened", "check its permissions");
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  return read(text, file);
}

std::expected<Config, std::vector<Mistake>> load(const std::filesystem::path& file) {
  auto located = load_located(file);
  if (!located) return std::unexpected(std::move(located.error()));
  return std::move(located->config);
}

}  // namespace sallyport::config
