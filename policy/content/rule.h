// What an officer says about text: a [[content]] section, compiled into the bundle.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "inspect/octets.h"

namespace sallyport::policy {

enum class ContentAction : std::uint8_t {
  Refuse,  ///< the stanza
  Mask,    ///< what matched is written as ***; refuses where nothing can be written, as in addresses and payloads
  Flag,    ///< a finding in the record, and nothing else
};
inline constexpr ContentAction kLastContentAction = ContentAction::Flag;

/// Where text stands. Bits of ContentRule::places.
enum class TextPlace : std::uint8_t { Body, Subject, Status, Nick, Form, Room, Payload };
inline constexpr TextPlace kLastTextPlace = TextPlace::Payload;
std::string_view name(TextPlace place);
constexpr std::uint16_t bit(TextPlace place) {
  return static_cast<std::uint16_t>(1U << static_cast<unsigned>(place));
}

struct ContentRule {
  std::string id;
  ContentAction action = ContentAction::Refuse;
  std::uint16_t places = 0;
  std::vector<std::string> words;       ///< as written; compared as whole words after folding (fold.h)
  std::vector<std::string> patterns;    ///< RE2 syntax, over plain folded text
  bool links = false;                   ///< every link, but those to `link_hosts`
  std::vector<std::string> link_hosts;  ///< hosts, with all below them; lower case
  std::uint32_t most_octets = 0;        ///< of one text; 0: not asked
  std::uint32_t most_links = 0;         ///< of one text; 0: not asked
  std::vector<std::uint16_t> peerings;  ///< and logins: numbers as of Bundle::number_of(); sorted
  static void fields(auto& s, auto&& f) {
    f(s.id, s.action, s.places, s.words, s.patterns, s.links, s.link_hosts, s.most_octets, s.most_links, s.peerings);
  }
  bool operator==(const ContentRule&) const = default;
};

}  // namespace sallyport::policy

namespace sallyport::inspect {
template <>
inline constexpr policy::ContentAction kLast<policy::ContentAction> = policy::kLastContentAction;
}  // namespace sallyport::inspect
