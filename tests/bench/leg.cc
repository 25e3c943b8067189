#include "tests/bench/leg.h"

#include <algorithm>

namespace sallyport::bench {
namespace {

constexpr std::string_view kAsks = "<r xmlns='urn:xmpp:sm:3'/>";
constexpr std::size_t kLongest = std::max(kEnd.size(), kAsks.size());

}  // namespace

Leg::Heard Leg::hear(std::string_view text) {
  carry_ += text;
  Heard heard;
  std::string_view rest = carry_;
  for (;;) {
    const auto end = rest.find(kEnd);
    const auto asks = rest.substr(0, end).find(kAsks);
    if (asks != std::string_view::npos) {
      heard.wants_ack = true;
      answered_ = stanzas_;
      rest.remove_prefix(asks + kAsks.size());
    } else if (end != std::string_view::npos) {
      ++heard.stanzas;
      ++stanzas_;
      rest.remove_prefix(end + kEnd.size());
    } else {
      break;
    }
  }
  carry_.erase(0, carry_.size() - std::min(rest.size(), kLongest - 1));
  return heard;
}

std::string Leg::ack() const {
  return "<a xmlns='urn:xmpp:sm:3' h='" + std::to_string(answered_) + "'/>";
}

}  // namespace sallyport::bench
