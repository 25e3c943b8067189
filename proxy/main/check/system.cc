#include <cerrno>
#include <cstring>
#include <map>
#include <string_view>

#include <arpa/inet.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "proxy/config/values.h"
#include "proxy/main/check/check.h"
#include "proxy/main/run/child.h"

namespace sallyport::check {

namespace {

using config::Located;

void check_user(const Located& located, const std::string& key, const std::string& user, Findings& findings) {
  if (user.empty() || getpwnam(user.c_str()) != nullptr) return;
  findings.mistakes.push_back(
      located.mistake(key, "there is no user '" + user + "'", "make it: useradd --system " + user));
}

void check_users(const Located& located, Findings& findings) {
  const config::Config& config = located.config;
  check_user(located, "guard.user", config.guard.user, findings);
  for (const config::Edge& edge : config.edges) {
    const std::string key = "edge." + edge.enclave + ".user";
    check_user(located, key, edge.user, findings);
    if (edge.user.empty() || edge.user != config.guard.user) continue;
    findings.warnings.push_back(
        located.mistake(key, "edge and guard would run as the same user",
                        "give each a user of its own, so that a broken edge can't touch the guard"));
  }
}

void check_folder(const Located& located, const std::string& key, const std::filesystem::path& folder,
                  Findings& findings) {
  std::error_code error;
  const auto status = std::filesystem::status(folder, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    findings.warnings.push_back(located.mistake(key, "'" + folder.string() + "' is not there yet",
                                                "make it, owned by the guard's user; the systemd units do so"));
  } else if (status.type() != std::filesystem::file_type::directory) {
    findings.mistakes.push_back(located.mistake(key, "'" + folder.string() + "' is not a folder that can be used",
                                                "name a folder; check its permissions"));
  } else if ((status.permissions() & std::filesystem::perms::others_write) != std::filesystem::perms::none) {
    findings.mistakes.push_back(
        located.mistake(key, "everybody may write to '" + folder.string() + "'", "chmod o-w " + folder.string()));
  }
}

void check_sockets(const Located& located, Findings& findings) {
  const config::Guard& guard = located.config.guard;
  check_folder(located, "guard.airlock", guard.airlock, findings);
  for (const config::Edge& edge : located.config.edges) {
    if ((guard.airlock / (edge.enclave + ".sock")).native().size() < sizeof(sockaddr_un::sun_path)) continue;
    findings.mistakes.push_back(located.mistake("guard.airlock", "the path of a socket file is longer than 107 octets",
                                                "choose a shorter folder, like /run/sallyport"));
    return;
  }
}

/// The errno of an attempt to listen there; 0 when it worked.
int try_to_listen(const config::Endpoint& at) {
  sockaddr_storage storage{};
  socklen_t size = 0;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (inet_pton(AF_INET, at.address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(at.port);
    size = sizeof(sockaddr_in);
  } else {
    inet_pton(AF_INET6, at.address.c_str(), &v6->sin6_addr);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(at.port);
    size = sizeof(sockaddr_in6);
  }
  const run::Descriptor socket(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return errno;
  const int on = 1;
  setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (storage.ss_family == AF_INET6) setsockopt(socket.number(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (bind(socket.number(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) return errno;
  return listen(socket.number(), 1) == 0 ? 0 : errno;
}

void check_listener(const Located& located, const std::string& key, const config::Endpoint& at, Findings& findings) {
  const int error = try_to_listen(at);
  if (error == 0) return;
  const std::string text = config::endpoint_text(at);
  if (error == EADDRINUSE) {
    findings.warnings.push_back(located.mistake(key, "something listens on " + text + " already",
                                                "nothing is wrong if that is this edge, running"));
    return;
  }
  findings.mistakes.push_back(located.mistake(key, text + " can't be listened on: " + std::strerror(error),
                                              error == EADDRNOTAVAIL
                                                  ? "give this machine the address, or correct it"
                                                  : "ports below 1024 need a privilege; the systemd units give it"));
}

/// The key that the listener stands under.
std::string_view list_of(const config::Listener& listener) {
  const bool is_direct = listener.tls == config::Listener::Tls::Direct;
  if (listener.peers == config::Listener::Peers::Clients) return is_direct ? "listen_clients_tls" : "listen_clients";
  return is_direct ? "listen_tls" : "listen";
}

void check_reach(const Located& located, const config::Edge& edge, Findings& findings) {
  const std::string table = "edge." + edge.enclave;
  std::map<std::string_view, std::size_t> seen;
  for (const config::Listener& listener : edge.listeners) {
    const std::string_view key = list_of(listener);
    check_listener(located, table + "." + std::string(key) + "[" + std::to_string(seen[key]++) + "]", listener.at,
                   findings);
  }
  if (edge.listeners.empty()) {
    findings.warnings.push_back(located.mistake(table + ".anchors", "the edge '" + edge.enclave + "' listens nowhere",
                                                "set listen, or its servers can only be called"));
  }
  if (edge.resolvers.empty() && edge.next_hops.empty()) {
    findings.warnings.push_back(located.mistake(table + ".anchors",
                                                "the edge '" + edge.enclave + "' can't find any server of its enclave",
                                                "set resolvers, or add an [[" + table + ".next_hop]]"));
  }
}

}  // namespace

void check_system(const Located& located, Findings& findings) {
  check_users(located, findings);
  check_sockets(located, findings);
  check_folder(located, "audit.directory", located.config.audit.directory, findings);
  for (const config::Edge& edge : located.config.edges) check_reach(located, edge, findings);
  if (located.config.edges.size() < 2) {
    findings.warnings.push_back(located.mistake("", "there is one edge only: nothing can cross",
                                                "add an [edge.NAME] for each enclave of the policy"));
  }
}

}  // namespace sallyport::check
