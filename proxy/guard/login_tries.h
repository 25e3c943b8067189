// Logins that have failed too often, and when the next may be tried (protocol.md D-12).
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

/// Counts failed logins of the clients of one enclave: by the account that they claim, whether it exists or not, and by
/// the source that they come from, over all accounts.
///
/// Beyond Limit::free of them there is a wait between two tries: kFirst, doubled with each further failure, to
/// Limit::each at most. A failure is forgotten in that time, which makes 30 tries of an account and 100 of a source an
/// hour. For an account each source waits by itself, so that who guesses keeps nobody out who comes from elsewhere. A
/// source waits as one; a login that succeeds gives its turn to the next at once, so that those who share an address
/// and know their passwords wait for failures only.
///
/// One for all lanes, whose threads may all call it: a lock for one look-up. Bounded: beyond kMostCounted accounts, or
/// sources, the one that would be forgotten first gives way; beyond kMostSources of an account all others wait as one.
class LoginTries {
 public:
  struct Limit {
    unsigned free;              ///< failures that cost nothing
    unsigned most;              ///< more make no difference
    std::chrono::seconds each;  ///< until one is forgotten; the longest wait
  };
  static constexpr Limit kOfAccount{5, 60, std::chrono::seconds(120)};
  /// Many people may share an address, and some of them mistype.
  static constexpr Limit kOfSource{50, 200, std::chrono::seconds(36)};
  static constexpr std::chrono::seconds kFirst{1};
  static constexpr std::size_t kMostCounted = 65'536, kMostSources = 16;

  /// Where a client is: its IPv4 address, or the /64 of its IPv6 address.
  using Source = std::uint64_t;
  /// `peer`: address and port, as in Opened. What is no address counts as one source.
  static Source source(std::string_view peer);

  struct Try {
    std::string_view enclave;  ///< of the client
    std::string_view account;  ///< prepared bare JID; "": not shown, and counted by its source alone
    Source source = 0;
  };

  enum class Count : std::uint8_t { Account, Source };
  struct Wait {
    std::chrono::milliseconds time{};
    Count because = Count::Account;
  };

  /// How long it has to wait yet, and for which count. Zero: it may try now, and where failures are many the next one
  /// waits from now on.
  Wait wait(const Try& login, Steady now);
  void fail(const Try& login, Steady now);
  /// The source need not wait any more; the failures stay.
  void succeed(const Try& login);

  std::size_t accounts() const;
  std::size_t sources() const;

 private:
  using Key = std::array<std::uint8_t, 32>;
  /// Those that are not forgotten yet.
  struct Failures {
    Steady forgotten{};  ///< when the last of them is
    std::chrono::milliseconds delay(const Limit& limit, Steady now) const;
  };
  struct Account {
    Failures failures;
    std::vector<std::pair<Source, Steady>> sources;  ///< that have to wait, until when
    /// Where that source's time stands, or would stand.
    Steady& opens(Source source, Steady now);
  };
  struct Shared {
    Failures failures;
    Steady opens{};  ///< for all who come from there
  };
  template <class Counted>
  class Bounded {
   public:
    Counted* find(const Key& key);
    /// One failure more.
    void fail(const Key& key, const Limit& limit, Steady now);
    void forget_old(Steady now);
    std::size_t size() const { return counted_.size(); }

   private:
    std::map<Key, Counted> counted_;
    std::set<std::pair<Steady, Key>> by_end_;  ///< of all of them
  };
  /// What one count says of a try.
  struct Gate {
    Steady* opens = nullptr;  ///< nullptr: failures are few
    std::chrono::milliseconds next{};
  };

  Key account_key(const Try& login);
  Key source_key(const Try& login);
  Gate account_gate(const Try& login, Steady now);
  Gate source_gate(const Try& login, Steady now);
  void forget_old(Steady now);

  mutable std::mutex mutex_;  ///< guards all below
  Sha256 sha256_;
  Bounded<Account> accounts_;
  Bounded<Shared> sources_;
};

}  // namespace sallyport::guard
