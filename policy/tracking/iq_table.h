// Requests that crossed and wait for their answer (protocol.md 9.1).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "policy/moment.h"
#include "policy/tracking/keyed.h"

namespace sallyport::policy {

/// What is asked, while it is judged. Texts are views.
struct IqRequest {
  Tokens::Token token;                   ///< the id on the far side
  std::string_view id;                   ///< the id that the requester gave it
  std::string_view from, to;             ///< prepared, whole
  std::string_view ns, name;             ///< of the payload
  std::string_view query;                ///< queryid of an archive query (XEP-0313); "" for others
  bool to_service = false;               ///< `to` is at a component, or a domain as such
  std::chrono::milliseconds patience{};  ///< how long the answer may take (Q-06)
};

/// An open request, as it is kept.
class OpenIq {
 public:
  OpenIq(const IqRequest& request, std::chrono::milliseconds now);

  std::string_view id() const { return part(0); }
  std::string_view from() const { return part(1); }
  std::string_view to() const { return part(2); }
  std::string_view ns() const { return part(3); }
  std::string_view name() const { return part(4); }
  std::string_view query() const { return part(5); }
  bool to_service() const { return to_service_; }
  std::chrono::milliseconds asked() const { return asked_; }
  std::chrono::milliseconds expires() const { return expires_; }
  std::size_t octets() const { return text_.size(); }

  std::uint64_t leg = 0;       ///< that the request went out on; 0: none yet
  std::uint64_t record = 0;    ///< of the request, in the log
  std::uint32_t messages = 0;  ///< that were taken as part of the answer (Q-09)

 private:
  static constexpr std::size_t kParts = 6;
  std::string_view part(std::size_t which) const;

  std::string text_;  ///< all parts, one after the other
  std::array<std::uint32_t, kParts> ends_{};
  std::chrono::milliseconds asked_, expires_;
  bool to_service_;
};

/// What a judgement wants changed in the table.
struct IqChange {
  const IqRequest* open = nullptr;  ///< in the arena of the batch
  std::string_view close;           ///< the id of an answer; "": none
  std::optional<Tokens::Token> message_of;
};

/// The open requests of one lane. Whoever takes an entry out answers the requester: so each request is answered once
/// (IQ-03). Bounded; what is kept of an entry costs about 600 octets.
class IqTable {
 public:
  struct Bounds {
    std::size_t requester = 512;            ///< D-23: of one full JID
    std::size_t pair = 20'000;              ///< of one ordered pair of domains, so that none takes all the room
    std::size_t total = 200'000;            ///< D-23
    std::size_t octets = 64 * 1024 * 1024;  ///< of texts
  };
  /// Messages of one archive query.
  static constexpr std::uint32_t kMessagesOfQuery = 1000;

  explicit IqTable(const Secret& secret = {}) : IqTable(secret, Bounds{}) {}
  IqTable(const Secret& secret, const Bounds& bounds);

  // Queries of the stages.
  /// Whether there is room for it.
  bool has_room(const IqRequest& request) const;
  /// The request with that id on the far side; nullptr if there is none. Whether the parties are the right ones is not
  /// asked here.
  const OpenIq* find(std::string_view id) const;
  /// The archive query that a message from `from` to `to` with that queryid belongs to, if it may have one more.
  std::optional<Tokens::Token> query(std::string_view from, std::string_view to, std::string_view queryid) const;

  // Changes.
  void commit(const IqChange& change, const Moment& now);
  /// Without room it is not kept, and its answer will be dropped.
  void open(const IqRequest& request, std::chrono::milliseconds now);
  /// Takes it out; nullopt: it has been answered, or never was.
  std::optional<OpenIq> take(const Tokens::Token& token);
  std::optional<OpenIq> take(std::string_view id);
  void count_message(const Tokens::Token& token);
  /// The request goes out on that leg, under that number of its record.
  void deliver(std::string_view id, std::uint64_t leg, std::uint64_t record);
  /// Takes out those whose time is over, at most `most`, oldest first.
  std::vector<OpenIq> expire(std::chrono::milliseconds now, std::size_t most);
  /// Takes out those that went out on that leg.
  std::vector<OpenIq> lose(std::uint64_t leg);

  /// An open request on its way to the table of another lane.
  struct Moving {
    Tokens::Token token;
    OpenIq open;
  };
  /// Takes out those that went out on that leg, to be kept elsewhere.
  std::vector<Moving> give(std::uint64_t leg);
  /// Keeps what another table gave. Without room it comes back, and whoever has it answers the requester.
  std::optional<Moving> keep(Moving moving);

  std::size_t size() const { return open_.size(); }
  /// When expire() has something to do; nullopt: never.
  std::optional<std::chrono::milliseconds> next_expiry() const;

 private:
  struct Spread {
    std::size_t operator()(const Tokens::Token& token) const { return token.low; }  // random already
  };
  using Open = std::unordered_map<Tokens::Token, OpenIq, Spread>;
  /// Counts by keyed hash: of requesters, of pairs.
  using Counts = std::unordered_map<std::uint64_t, std::uint32_t>;

  std::uint64_t requester_key(std::string_view from) const { return hash_({"requester", from}); }
  std::uint64_t pair_key(std::string_view from, std::string_view to) const;
  std::uint64_t query_key(std::string_view from, std::string_view to, std::string_view queryid) const {
    return hash_({"query", from, to, queryid});
  }
  std::optional<OpenIq> take(Open::iterator at);
  std::vector<Tokens::Token> of_leg(std::uint64_t leg) const;
  void enter(const Tokens::Token& token, OpenIq&& entering);

  KeyedHash hash_;
  Bounds bounds_;
  Open open_;
  std::set<std::pair<std::chrono::milliseconds, Tokens::Token>> expiries_;
  Counts requesters_, pairs_;
  std::unordered_map<std::uint64_t, Tokens::Token> queries_;
  std::size_t octets_ = 0;
};

}  // namespace sallyport::policy
