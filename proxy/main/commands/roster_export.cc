#include "proxy/main/commands/roster_export.h"

#include <memory>
#include <optional>
#include <set>
#include <string_view>

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "inspect/jid.h"

namespace sallyport::commands {
namespace {

constexpr std::string_view kPie = "urn:xmpp:pie:0", kRoster = "jabber:iq:roster";

bool is(const xmlNode* node, std::string_view ns, std::string_view name) {
  return node->type == XML_ELEMENT_NODE && node->ns != nullptr && name == reinterpret_cast<const char*>(node->name) &&
         ns == reinterpret_cast<const char*>(node->ns->href);
}

std::string attribute(xmlNode* node, const char* name) {
  const std::unique_ptr<xmlChar, decltype(xmlFree)> value(xmlGetNoNsProp(node, reinterpret_cast<const xmlChar*>(name)),
                                                          xmlFree);
  return value ? reinterpret_cast<const char*>(value.get()) : "";
}

/// Prepared and bare, or nothing.
std::optional<std::string> bare(const std::string& text) {
  const auto jid = inspect::Jid::parse(text, inspect::JidProfile::Unicode);
  if (!jid || jid->local().empty()) return std::nullopt;
  return std::string(jid->bare());
}

void read_roster(xmlNode* query, const std::string& account, Rosters& rosters) {
  for (xmlNode* item = query->children; item != nullptr; item = item->next) {
    if (!is(item, kRoster, "item")) continue;
    const auto contact = bare(attribute(item, "jid"));
    if (!contact) continue;
    const std::string subscription = attribute(item, "subscription");
    const bool both = subscription == "both";
    rosters[account][*contact] = {both || subscription == "to", both || subscription == "from"};
  }
}

void read_host(xmlNode* host, Rosters& rosters) {
  const std::string domain = attribute(host, "jid");
  for (xmlNode* user = host->children; user != nullptr; user = user->next) {
    if (!is(user, kPie, "user")) continue;
    const auto account = bare(attribute(user, "name") + "@" + domain);
    if (!account) continue;
    rosters[*account];
    for (xmlNode* query = user->children; query != nullptr; query = query->next)
      if (is(query, kRoster, "query")) read_roster(query, *account, rosters);
  }
}

std::string_view domain_of(std::string_view bare_jid) {
  return bare_jid.substr(bare_jid.find('@') + 1);
}

}  // namespace

std::expected<void, std::string> read_rosters(const std::filesystem::path& file, Rosters& rosters) {
  // No network, no entities, no messages of the library's own.
  const std::unique_ptr<xmlDoc, decltype(&xmlFreeDoc)> document(
      xmlReadFile(file.c_str(), nullptr, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_HUGE),
      xmlFreeDoc);
  if (!document) return std::unexpected(file.string() + ": it cannot be read, or is not XML");
  if (xmlGetIntSubset(document.get()) != nullptr)
    return std::unexpected(file.string() + ": it has a document type, which no export has");
  xmlNode* root = xmlDocGetRootElement(document.get());
  if (root != nullptr && is(root, kPie, "host")) {
    read_host(root, rosters);
    return {};
  }
  if (root == nullptr || !is(root, kPie, "server-data"))
    return std::unexpected(file.string() + ": it is not an export of accounts (XEP-0227)");
  for (xmlNode* host = root->children; host != nullptr; host = host->next)
    if (is(host, kPie, "host")) read_host(host, rosters);
  return {};
}

Agreement agreement(const Rosters& rosters) {
  const auto says = [&](const std::string& account, const std::string& contact, bool RosterItem::* what) {
    const auto roster = rosters.find(account);
    if (roster == rosters.end()) return false;
    const auto item = roster->second.find(contact);
    return item != roster->second.end() && item->second.*what;
  };
  std::set<std::pair<std::string, std::string>> claimed;
  for (const auto& [account, roster] : rosters) {
    for (const auto& [contact, item] : roster) {
      if (domain_of(account) == domain_of(contact)) continue;
      if (item.to) claimed.emplace(account, contact);
      if (item.from) claimed.emplace(contact, account);
    }
  }
  Agreement found;
  for (const auto& [watcher, watched] : claimed) {
    const bool both = says(watcher, watched, &RosterItem::to) && says(watched, watcher, &RosterItem::from);
    (both ? found.agreed : found.one_sided).emplace_back(watcher, watched);
  }
  return found;
}

}  // namespace sallyport::commands
