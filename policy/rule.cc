#include "policy/rule.h"

#include <array>

namespace sallyport::policy {
namespace {

struct TypeRow {
  std::string_view name;
  Kind kind;
  std::string_view written;
};

constexpr std::array<TypeRow, kStanzaTypes> kTypes = {{
    {"message:normal", Kind::Message, "normal"},
    {"message:chat", Kind::Message, "chat"},
    {"message:groupchat", Kind::Message, "groupchat"},
    {"message:headline", Kind::Message, "headline"},
    {"message:error", Kind::Message, "error"},
    {"presence:available", Kind::Presence, ""},
    {"presence:unavailable", Kind::Presence, "unavailable"},
    {"presence:subscribe", Kind::Presence, "subscribe"},
    {"presence:subscribed", Kind::Presence, "subscribed"},
    {"presence:unsubscribe", Kind::Presence, "unsubscribe"},
    {"presence:unsubscribed", Kind::Presence, "unsubscribed"},
    {"presence:probe", Kind::Presence, "probe"},
    {"presence:error", Kind::Presence, "error"},
    {"iq:get", Kind::Iq, "get"},
    {"iq:set", Kind::Iq, "set"},
    {"iq:result", Kind::Iq, "result"},
    {"iq:error", Kind::Iq, "error"},
}};

/// What a type that is none of its kind counts as. Shape lets it through for messages only.
constexpr StanzaType fallback(Kind kind) {
  switch (kind) {
    case Kind::Message:
      return StanzaType::MessageNormal;
    case Kind::Presence:
      return StanzaType::PresenceError;
    case Kind::Iq:
      return StanzaType::IqError;
  }
  return StanzaType::IqError;
}

constexpr std::int64_t kMinute = 60'000;

/// 0 is Monday.
unsigned weekday(std::int64_t days_since_1970) {
  const std::int64_t day = (days_since_1970 + 3) % 7;  // 1970-01-01 was a Thursday
  return static_cast<unsigned>(day < 0 ? day + 7 : day);
}

}  // namespace

std::string_view name(StanzaType type) {
  return kTypes[static_cast<std::size_t>(type)].name;
}

Kind kind_of(StanzaType type) {
  return kTypes[static_cast<std::size_t>(type)].kind;
}

StanzaType stanza_type(Kind kind, std::string_view type) {
  for (std::size_t i = 0; i < kTypes.size(); ++i)
    if (kTypes[i].kind == kind && kTypes[i].written == type) return static_cast<StanzaType>(i);
  return fallback(kind);
}

StanzaTypes types_of(Kind kind) {
  StanzaTypes types = 0;
  for (std::size_t i = 0; i < kTypes.size(); ++i)
    if (kTypes[i].kind == kind) types |= bit(static_cast<StanzaType>(i));
  return types;
}

std::string_view name(Action action) {
  switch (action) {
    case Action::Release:
      return "release";
    case Action::Alter:
      return "alter";
    case Action::Answer:
      return "answer";
    case Action::Bounce:
      return "bounce";
    case Action::Drop:
      return "drop";
    case Action::Sever:
      return "sever";
  }
  return {};
}

bool Window::is_open(std::chrono::sys_time<std::chrono::milliseconds> at) const {
  const std::int64_t time = at.time_since_epoch().count();
  if (time < not_before || time >= not_after) return false;
  const std::int64_t day = std::chrono::floor<std::chrono::days>(at).time_since_epoch().count();
  const auto minute = (time - day * kDay * kMinute) / kMinute;
  const auto on = [this](unsigned weekday_number) { return ((days >> weekday_number) & 1U) != 0; };
  if (from_minute < until_minute) return on(weekday(day)) && minute >= from_minute && minute < until_minute;
  return (on(weekday(day)) && minute >= from_minute) || (on(weekday(day - 1)) && minute < until_minute);
}

}  // namespace sallyport::policy
