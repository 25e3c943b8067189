// The officer's rules as the bundle holds them, and when one matches. Rules are judged after the stages: the first that
// matches decides among rules, and none overrides what a stage objects to.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/octets.h"
#include "policy/label/label.h"
#include "policy/moment.h"
#include "policy/verdict.h"

namespace sallyport::policy {

/// What RFC 6121 lets a stanza's type be, over all kinds. A message without type is normal, a presence without type
/// available.
enum class StanzaType : std::uint8_t {
  MessageNormal,
  MessageChat,
  MessageGroupchat,
  MessageHeadline,
  MessageError,
  PresenceAvailable,
  PresenceUnavailable,
  PresenceSubscribe,
  PresenceSubscribed,
  PresenceUnsubscribe,
  PresenceUnsubscribed,
  PresenceProbe,
  PresenceError,
  IqGet,
  IqSet,
  IqResult,
  IqError,
};
inline constexpr StanzaType kLastStanzaType = StanzaType::IqError;
inline constexpr std::size_t kStanzaTypes = static_cast<std::size_t>(kLastStanzaType) + 1;
/// "message:normal", "presence:available", "iq:get" ...
std::string_view name(StanzaType type);
Kind kind_of(StanzaType type);
/// By what shape has let through; an unknown type of a message counts as normal.
StanzaType stanza_type(Kind kind, std::string_view type);

/// A set of types: bit n is the type with that number.
using StanzaTypes = std::uint32_t;
constexpr StanzaTypes bit(StanzaType type) {
  return StanzaTypes{1} << static_cast<unsigned>(type);
}
StanzaTypes types_of(Kind kind);
inline constexpr StanzaTypes kAllStanzaTypes = (StanzaTypes{1} << kStanzaTypes) - 1;

/// Bare JIDs of users or rooms. A list that stands in a rule itself has no name.
struct AddressList {
  std::string name;
  std::vector<std::string> bare;  ///< prepared, with localpart; sorted
  static void fields(auto& s, auto&& f) { f(s.name, s.bare); }
  bool operator==(const AddressList&) const = default;
};

/// Whom a rule is about on one side: everybody; or all of some domains and the members of some lists.
struct Side {
  bool any = false;
  std::vector<std::uint16_t> domains;  ///< numbers, rising
  std::vector<std::uint16_t> lists;    ///< numbers, rising
  static void fields(auto& s, auto&& f) { f(s.any, s.domains, s.lists); }
  bool operator==(const Side&) const = default;
};

/// An element that a rule names. A name of "" is every element of the namespace; the namespace ns::kContent is the
/// stanza's own vocabulary, also that of stanzas inside it.
struct PayloadName {
  std::string ns, name;
  static void fields(auto& s, auto&& f) { f(s.ns, s.name); }
  auto operator<=>(const PayloadName&) const = default;
};

/// When a rule is in force, in UTC. Hours that pass midnight belong to the day on which they begin.
struct Window {
  static constexpr std::uint16_t kDay = 24 * 60;
  static constexpr std::uint8_t kAllDays = 0x7F;

  std::uint8_t days = kAllDays;                                       ///< bit 0 is Monday
  std::uint16_t from_minute = 0, until_minute = kDay;                 ///< of the day; until is the first that is out
  std::int64_t not_before = 0;                                        ///< ms since 1970
  std::int64_t not_after = std::numeric_limits<std::int64_t>::max();  ///< ms since 1970; the first that is out
  static void fields(auto& s, auto&& f) { f(s.days, s.from_minute, s.until_minute, s.not_before, s.not_after); }
  bool operator==(const Window&) const = default;

  bool is_open(std::chrono::sys_time<std::chrono::milliseconds> at) const;
};

/// What a rule asks of a label. All that is set has to hold.
struct LabelMatch {
  bool none = false;                                 ///< that there is no label; nothing else is set then
  std::uint16_t policy = 0;                          ///< number in LabelTables: what the label is under, on either side
  std::vector<label::Lacv> classes;                  ///< its class is one of these; rising, never empty
  std::optional<std::vector<label::CatKey>> any_of;  ///< it has one of these; rising, never empty
  std::vector<label::CatKey> all_of, none_of;        ///< it has all of these, and none of those; rising
  static void fields(auto& s, auto&& f) { f(s.none, s.policy, s.classes, s.any_of, s.all_of, s.none_of); }
  bool operator==(const LabelMatch&) const = default;
};

/// Which way a stanza of a client's session goes.
enum class Towards : std::uint8_t { Either, Server, Client };
inline constexpr Towards kLastTowards = Towards::Client;

enum class Action : std::uint8_t { Release, Alter, Answer, Bounce, Drop, Sever };
inline constexpr Action kLastAction = Action::Sever;
std::string_view name(Action action);
constexpr bool lets_cross(Action action) {
  return action == Action::Release || action == Action::Alter;
}

/// What an iq request is answered in the addressee's name.
enum class AnswerWith : std::uint8_t { EmptyResult, ServiceUnavailable };
inline constexpr AnswerWith kLastAnswerWith = AnswerWith::ServiceUnavailable;

/// What the sender of a message that policy refuses is told (requirement ERR-09).
enum class MessageRefusal : std::uint8_t { PolicyViolation, ServiceUnavailable, Silence };
inline constexpr MessageRefusal kLastMessageRefusal = MessageRefusal::Silence;

/// One [[rule]]. Every condition has to hold; one that is absent is not asked. Numbers of payloads are places in
/// Tables::payloads, rising.
struct Rule {
  std::string id;
  std::string text;  ///< for people
  Side from, to;
  bool both = false;  ///< also the other way round
  StanzaTypes stanzas = 0;
  /// Places in Tables::logins, rising: it is of a session of one of these. A rule with it is none between servers.
  std::optional<std::vector<std::uint16_t>> logins;
  Towards towards = Towards::Either;                       ///< asked only with `logins`
  std::optional<std::vector<std::uint16_t>> payload;       ///< one of these is there, at any depth
  std::optional<std::vector<std::uint16_t>> only_payload;  ///< nothing but these is there, at any depth
  std::optional<std::vector<LabelMatch>> label;            ///< one of these matches the label; see rules.h
  std::optional<Window> window;

  Action action = Action::Drop;
  AnswerWith answer = AnswerWith::ServiceUnavailable;
  std::optional<MessageRefusal> condition;                 ///< of a bounced message; else what its peering says
  std::optional<std::vector<std::uint16_t>> remove, keep;  ///< what Alter takes out: these, or all but these

  static void fields(auto& s, auto&& f) {
    f(s.id, s.text, s.from, s.to, s.both, s.stanzas, s.logins, s.towards, s.payload, s.only_payload, s.label, s.window,
      s.action, s.answer, s.condition, s.remove, s.keep);
  }
  bool operator==(const Rule&) const = default;
};

inline constexpr std::size_t kMostRules = 4096;
inline constexpr std::size_t kMostPayloads = 4096;
inline constexpr std::size_t kMostLabelMatches = 256;  ///< of one rule

}  // namespace sallyport::policy

namespace sallyport::inspect {
template <>
inline constexpr policy::Action kLast<policy::Action> = policy::kLastAction;
template <>
inline constexpr policy::Towards kLast<policy::Towards> = policy::kLastTowards;
template <>
inline constexpr policy::AnswerWith kLast<policy::AnswerWith> = policy::kLastAnswerWith;
template <>
inline constexpr policy::MessageRefusal kLast<policy::MessageRefusal> = policy::kLastMessageRefusal;
}  // namespace sallyport::inspect
