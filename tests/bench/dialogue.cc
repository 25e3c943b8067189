#include "tests/bench/dialogue.h"

#include <utility>

namespace sallyport::bench {

Dialogue::Dialogue(std::string from, std::string to) : from_(std::move(from)), to_(std::move(to)) {}

Dialogue::Step Dialogue::hear(std::string_view text) {
  heard_ += text;
  if (heard_.find("<stream:error") != std::string::npos) return {.send = {}, .then = Then::Fail};
  return next();
}

bool Dialogue::take(std::string_view begin, std::string_view end) {
  const auto at = heard_.find(begin);
  if (at == std::string::npos) return false;
  const auto last = heard_.find(end, at + begin.size() - (end.size() == 1 ? 0 : 1));
  if (last == std::string::npos) return false;
  heard_.erase(0, last + end.size());
  return true;
}

bool Dialogue::take_header() {
  const auto start = heard_.find("<stream:stream");
  if (start == std::string::npos || heard_.find('>', start) == std::string::npos) return false;
  from_ = attribute("to");
  to_ = attribute("from");
  return take("<stream:stream", ">");
}

std::string Dialogue::attribute(std::string_view name) const {
  for (const char quote : {'\'', '"'}) {
    const auto begin = " " + std::string(name) + "=" + quote;
    const auto at = heard_.find(begin);
    if (at == std::string::npos) continue;
    const auto value = heard_.substr(at + begin.size());
    return value.substr(0, value.find(quote));
  }
  return {};
}

std::string Dialogue::header(std::string_view space, std::string_view id) const {
  std::string text = "<?xml version='1.0'?><stream:stream xmlns='" + std::string(space) +
                     "' xmlns:stream='http://etherx.jabber.org/streams' from='" + from_ + "' version='1.0'";
  if (!to_.empty()) text += " to='" + to_ + "'";
  if (!id.empty()) text += " id='" + std::string(id) + "'";
  return text + ">";
}

std::string base64(std::string_view octets) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < octets.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (i + j < octets.size() ? static_cast<std::uint8_t>(octets[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += i + j > octets.size() ? '=' : kLetters[(group >> (18 - 6 * j)) & 63];
    }
  }
  return text;
}

}  // namespace sallyport::bench
