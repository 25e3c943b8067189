// Rosters as servers export them (XEP-0227), and the subscriptions that two servers agree on.
#pragma once

#include <expected>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sallyport::commands {

/// What an account's own server says of its contact.
struct RosterItem {
  bool to = false;    ///< the account watches the contact
  bool from = false;  ///< the contact watches the account
};
/// By bare JID of the account, then of the contact; prepared.
using Rosters = std::map<std::string, std::map<std::string, RosterItem>>;

/// Adds what the file holds. Prosody (mod_storage_xep0227, prosody-migrator) and ejabberd (`ejabberdctl
/// export_piefxis`) write such files; parts in other files have to be given themselves. Error: what is wrong.
std::expected<void, std::string> read_rosters(const std::filesystem::path& file, Rosters& rosters);

struct Agreement {
  std::vector<std::pair<std::string, std::string>> agreed;     ///< watcher, watched
  std::vector<std::pair<std::string, std::string>> one_sided;  ///< only one of the two rosters says so
};
/// Subscriptions between accounts of different domains.
Agreement agreement(const Rosters& rosters);

}  // namespace sallyport::commands
