// Who has failed to log in too often, and when it may be tried again (protocol.md D-12).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/guard/digest.h"
#include "proxy/guard/moment.h"

namespace sallyport::guard {

/// Counts failed logins by the account that they claim, whether it exists or not, of the clients of one enclave.
///
/// A failure is forgotten in kLongest. Beyond kFree of them the sources that try have to wait between two tries:
/// kFirst, doubled with each further failure, to kLongest at most, which makes 30 tries an hour. Each source waits by
/// itself, so that who guesses keeps nobody out who comes from elsewhere.
///
/// One for all lanes, whose threads may all call it: a lock for one look-up. Bounded: beyond kMostAccounts the one that
/// would be forgotten first gives way; beyond kMostSources of an account all others wait as one.
class LoginTries {
 public:
  static constexpr unsigned kFree = 5, kMostFailures = 60;  ///< more failures of an account make no difference
  static constexpr std::chrono::seconds kFirst{1}, kLongest{120};
  static constexpr std::size_t kMostAccounts = 65'536, kMostSources = 16;

  /// Where a client is: its IPv4 address, or the /64 of its IPv6 address.
  using Source = std::uint64_t;
  /// `peer`: address and port, as in Opened. What is no address counts as one source.
  static Source source(std::string_view peer);

  struct Try {
    std::string_view enclave;  ///< of the client
    std::string_view account;  ///< prepared bare JID
    Source source = 0;
  };

  /// How long it has to wait yet. Zero: it may try now, and where failures are many the next one waits from now on.
  std::chrono::milliseconds wait(const Try& login, Steady now);
  void fail(const Try& login, Steady now);
  /// The source need not wait any more; the failures stay.
  void succeed(const Try& login);

  std::size_t accounts() const;

 private:
  using Key = std::array<std::uint8_t, 32>;
  struct Account {
    Steady forgotten{};                              ///< when the last of its failures is
    std::vector<std::pair<Source, Steady>> sources;  ///< that have to wait, until when
    unsigned failures(Steady now) const;
    /// Where that source's time stands, or would stand.
    Steady& opens(Source source, Steady now);
  };

  Key key(const Try& login);
  Account* find(const Try& login);
  Account& make(const Key& key);
  void forget_old(Steady now);

  mutable std::mutex mutex_;  ///< guards all below
  Sha256 sha256_;
  std::map<Key, Account> accounts_;
  std::set<std::pair<Steady, Key>> by_end_;  ///< of all of them
};

}  // namespace sallyport::guard
