#include "policy/verdict.h"

namespace sallyport::policy {

std::string_view name(Kind kind) {
  switch (kind) {
    case Kind::Message:
      return "message";
    case Kind::Presence:
      return "presence";
    case Kind::Iq:
      return "iq";
  }
  return {};
}

std::optional<Kind> kind(std::string_view wanted) {
  for (const Kind each : {Kind::Message, Kind::Presence, Kind::Iq})
    if (name(each) == wanted) return each;
  return std::nullopt;
}

std::string_view name(Stage stage) {
  switch (stage) {
    case Stage::Shape:
      return "shape";
    case Stage::Addressing:
      return "addressing";
    case Stage::Payload:
      return "payload";
    case Stage::Label:
      return "label";
    case Stage::Presence:
      return "presence";
    case Stage::Content:
      return "content";
    case Stage::Rate:
      return "rate";
  }
  return {};
}

std::optional<Stage> stage(std::string_view wanted) {
  for (unsigned i = 0; i <= static_cast<unsigned>(kLastStage); ++i)
    if (name(static_cast<Stage>(i)) == wanted) return static_cast<Stage>(i);
  return std::nullopt;
}

Address Address::of_prepared(std::string_view text) {
  Address address;
  address.full = text;
  const std::size_t slash = text.find('/');
  const std::string_view bare = text.substr(0, slash);
  if (slash != std::string_view::npos) address.resource = text.substr(slash + 1);
  const std::size_t at = bare.find('@');
  if (at != std::string_view::npos) address.local = bare.substr(0, at);
  address.domain = at == std::string_view::npos ? bare : bare.substr(at + 1);
  return address;
}

}  // namespace sallyport::policy
