// What the guard decides about a stanza, and what it was told when it decided.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "inspect/element.h"
#include "inspect/errors.h"
#include "inspect/jid.h"
#include "policy/intents.h"
#include "policy/kind.h"
#include "policy/reason.h"

namespace sallyport::policy {

struct Login;
namespace presence {
class Ledger;
}

/// The stages in their fixed order (design.md section 3).
enum class Stage : std::uint8_t { Shape, Addressing, Payload, Label, Presence, Content, Rate };
inline constexpr Stage kLastStage = Stage::Rate;
std::string_view name(Stage stage);
std::optional<Stage> stage(std::string_view name);

/// An ordered pair of prepared domains: stanzas from the one to the other.
struct Pair {
  std::string from, to;
  bool operator==(const Pair&) const = default;
};

/// Whose session a stanza belongs to, when a client is logged in across the boundary. The account's server stands on
/// the other side.
struct ClientSession {
  std::string_view full;     ///< prepared, as the server has said it
  bool from_client = false;  ///< the client's stanza, not the server's
  /// Of the account's subscriptions, as this session has seen them; nullptr: it has seen none.
  const presence::Ledger* ledger = nullptr;
  bool knows_roster = false;  ///< its server has sent all of it
};

/// Which way a stanza goes, as the guard knows it from the leg it came on, not from the stanza.
struct Crossing {
  std::string_view from_enclave, to_enclave;
  std::string_view lang;  ///< xml:lang of the in-leg's header, inherited by its stanzas (protocol.md X-06); may be ""
  std::span<const Pair> granted;          ///< the pairs that the in-leg has proved and been granted; none for a client
  const ClientSession* client = nullptr;  ///< set: the stanza is of a client's session, and `login` lets it be
  const Login* login = nullptr;
};

/// A prepared address, as views into text that somebody else keeps.
struct Address {
  std::string_view full;
  std::string_view local, domain, resource;  ///< "" if absent

  /// Splits text that is known to be prepared (RFC 7622 3.1). Gives nonsense for any other.
  static Address of_prepared(std::string_view text);
  std::string_view bare() const { return resource.empty() ? full : full.substr(0, full.size() - resource.size() - 1); }
  bool is_bare() const { return resource.empty(); }
  bool empty() const { return full.empty(); }
};

/// What a stanza is, as far as it could be understood; for the record and for bounces. Views live as long as the frame
/// and the arena of the batch. To keep them longer, copy the strings and make the addresses anew by of_prepared().
struct StanzaFacts {
  std::optional<Kind> kind;
  std::string_view type;                ///< as written; "" if absent
  std::string_view id;                  ///< "" if absent
  Address from, to;                     ///< prepared; empty if absent or malformed
  std::string_view from_text, to_text;  ///< as written, for the record only
  /// As they stand on the far side of hidden resources: the `from` that leaves, the `to` that came; "" if that is the
  /// same (hidden_resources.h). An error of a client leaves as its account's.
  std::string_view from_out, to_in;
  /// What `to` is at: a component, or a domain as such, and not an account (protocol.md S-18).
  bool to_service = false;
};

/// A set of reasons: what was found besides the reason that decided. Iterates in the order of the registry, which is
/// that of the stages.
class Findings {
 public:
  class iterator;

  void add(Reason reason) { words_[index(reason) / 64] |= std::uint64_t{1} << index(reason) % 64; }
  bool has(Reason reason) const { return (words_[index(reason) / 64] >> index(reason) % 64) & 1U; }
  bool empty() const { return words_ == Words{}; }
  iterator begin() const;
  iterator end() const;

 private:
  using Words = std::array<std::uint64_t, (kReasonCount + 63) / 64>;
  static std::size_t index(Reason reason) { return static_cast<std::size_t>(reason); }

  Words words_{};
};

class Findings::iterator {
 public:
  using value_type = Reason;
  using difference_type = std::ptrdiff_t;
  iterator(const Findings& of, std::size_t at) : of_(&of), at_(at) { settle(); }
  Reason operator*() const { return static_cast<Reason>(at_); }
  iterator& operator++() {
    ++at_;
    settle();
    return *this;
  }
  bool operator==(const iterator& other) const { return at_ == other.at_; }

 private:
  void settle() {
    for (std::size_t word = at_ / 64; word < of_->words_.size(); ++word) {
      const std::uint64_t left = word == at_ / 64 ? of_->words_[word] >> at_ % 64 << at_ % 64 : of_->words_[word];
      if (left == 0) continue;
      at_ = word * 64 + static_cast<std::size_t>(std::countr_zero(left));
      return;
    }
    at_ = kReasonCount;
  }

  const Findings* of_;
  std::size_t at_;
};

inline Findings::iterator Findings::begin() const {
  return {*this, 0};
}
inline Findings::iterator Findings::end() const {
  return {*this, kReasonCount};
}

/// Whether the stanza crosses, as it is or altered.
constexpr bool lets_leave(Verdict verdict) {
  return verdict == Verdict::Release || verdict == Verdict::Alter;
}

struct JudgedLabel;

/// A stanza of the guard's own that follows from a judgement. Between servers it takes the route of its own addresses,
/// in a session, where they may be the account's on both sides, the way of what was judged.
struct Injection {
  const inspect::Node* stanza = nullptr;  ///< whole; in the arena of the batch
  Reason reason = Reason::PolicyUndecided;
  std::optional<std::chrono::milliseconds> negative_since;  ///< as in Judgement
  const Injection* next = nullptr;
};

struct Judgement {
  Verdict verdict = Verdict::Drop;
  Reason reason = Reason::PolicyUndecided;  ///< what decided; of a release: PolicyGranted
  Findings findings;                        ///< what was found besides, and what was altered
  /// Id of the rule that decided, or, without rules or for an objection of a stage, of the pair's peering; "" if there
  /// is none. Points into the bundle.
  std::string_view rule;
  StanzaFacts facts;
  /// The effective label (label_judge.h), also one that can't be used; nullptr if there is none.
  std::shared_ptr<const JudgedLabel> label;
  std::string label_detail;               ///< why labels decided against it: cause, tag, whose clearance
  const inspect::Node* answer = nullptr;  ///< of an Answer; lives in the arena
  StanzaFault fault;                      ///< of a Bounce
  inspect::StreamCondition sever = inspect::StreamCondition::UndefinedCondition;  ///< of a Sever
  const Injection* if_refused = nullptr;
  /// Of a release that is a negative answer to an iq request: when that was asked (P-43).
  std::optional<std::chrono::milliseconds> negative_since;
  Intents intents;
};

}  // namespace sallyport::policy
