#include "audit/review.h"

#include <algorithm>
#include <array>

#include "audit/segment_reader.h"

namespace sallyport::audit {
namespace {

constexpr std::string_view kRed = "31", kGreen = "32", kYellow = "33", kFaint = "2";
constexpr std::size_t kNumberWidth = 8, kVerdictWidth = 8, kKindWidth = 22, kReasonWidth = 28, kNameWidth = 12;
constexpr std::string_view kGap = "  ";

std::string left(std::string_view text, std::size_t width) {
  std::string padded(text);
  // Continuation octets take no column.
  const auto columns = static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
  padded.append(width > columns ? width - columns : 0, ' ');
  return padded;
}

std::string right(std::string_view text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ').append(text);
}

/// "2026-03-04 05:06:07.000": milliseconds are enough to look at.
std::string time_of(const Line& line) {
  std::string time(line.written("time").substr(0, 23));
  time[10] = ' ';
  return time;
}

bool names(std::string_view reason, std::string_view wanted) {
  if (wanted.find('.') != std::string_view::npos) return reason == wanted;
  return reason.substr(0, reason.find('.')) == wanted;
}

/// A JID is meant by itself, by its bare form and by its domain.
bool is_of(std::string_view jid, std::string_view wanted) {
  if (jid == wanted) return true;
  const auto bare = jid.substr(0, jid.find('/'));
  return bare == wanted || bare.substr(bare.find('@') + 1) == wanted;
}

bool has_label(const Line& line, std::string_view wanted) {
  constexpr std::array<std::string_view, 4> kKeys = {"label_in", "label_out", "marking_in", "marking_out"};
  return std::ranges::any_of(kKeys,
                             [&](std::string_view key) { return line.text(key).find(wanted) != std::string::npos; });
}

/// "presence" or "presence:probe". Presence and messages without type are "presence:available" and "message:normal".
bool is_of_kind(const Line& line, std::string_view wanted) {
  if (line.is_event()) return names(line.written("code"), wanted) && wanted.find('.') == std::string_view::npos;
  const std::size_t colon = wanted.find(':');
  const auto kind = line.written("kind");
  if (kind != wanted.substr(0, colon)) return false;
  if (colon == std::string_view::npos) return true;
  const auto type = line.written("type");
  const std::string_view implied = kind == "presence" ? "available" : "normal";
  return (type.empty() ? implied : std::string_view(type)) == wanted.substr(colon + 1);
}

// A side knows a hidden resource by its other name.
bool is_sender(const Line& line, std::string_view wanted) {
  return is_of(line.text("from"), wanted) || is_of(line.text("from_out"), wanted);
}
bool is_addressee(const Line& line, std::string_view wanted) {
  return is_of(line.text("to"), wanted) || is_of(line.text("to_in"), wanted);
}

/// An event about a domain is about its accounts.
bool concerns(const Line& line, std::string_view wanted) {
  if (is_sender(line, wanted) || is_addressee(line, wanted)) return true;
  if (!line.is_event()) return false;
  const auto bare = wanted.substr(0, wanted.find('/'));
  const auto domain = bare.substr(bare.find('@') + 1);
  return std::ranges::any_of(line.pairs("details"), [&](const auto& detail) {
    return is_of(detail.second, wanted) || detail.second == bare || detail.second == domain;
  });
}

std::string_view colour_of(std::string_view verdict) {
  if (verdict == "release") return kGreen;
  return verdict == "alter" || verdict == "answer" ? kYellow : kRed;
}

}  // namespace

bool Filter::permits(const Line& line) const {
  if (record && line.number() != *record) return false;
  auto earliest = std::string_view(since);
  if (earliest.ends_with('Z')) earliest.remove_suffix(1);
  if (line.written("time") < earliest) return false;
  auto latest = std::string_view(until);
  if (latest.ends_with('Z')) latest.remove_suffix(1);
  if (!latest.empty() && line.written("time").substr(0, latest.size()) > latest) return false;
  if (!verdict.empty() && line.written("verdict") != verdict) return false;
  if (!from.empty() && !is_sender(line, from)) return false;
  if (!to.empty() && !is_addressee(line, to)) return false;
  if (shadow && line.written("shadow").empty()) return false;
  if (!label.empty() && !has_label(line, label)) return false;
  if (!kind.empty() && !is_of_kind(line, kind)) return false;
  if (!jid.empty() && !concerns(line, jid)) return false;
  if (reason.empty()) return true;
  const auto found = line.items("findings");
  return names(line.written("reason"), reason) || names(line.written("code"), reason) ||
         std::ranges::any_of(found, [this](auto finding) { return names(finding, reason); });
}

std::string Printer::heading() const {
  auto text = right("record", kNumberWidth) + std::string(kGap) + left("time (UTC)", 23) + std::string(kGap) +
              left("verdict", kVerdictWidth) + std::string(kGap) + left("stanza", kKindWidth) + std::string(kGap) +
              left("reason", kReasonWidth) + std::string(kGap) + "from > to";
  return coloured(text, kFaint) + '\n';
}

std::string Printer::print(const Line& line) const {
  return right(std::to_string(line.number()), kNumberWidth) + std::string(kGap) + time_of(line) + std::string(kGap) +
         (line.is_event() ? event(line) : stanza(line)) + '\n';
}

std::string Printer::print_whole(const Line& line) const {
  const auto field = [this](std::string_view name, std::string_view value) {
    return coloured(left(name, kNameWidth), kFaint) + std::string(kGap) + std::string(value) + '\n';
  };
  auto text = field("n", std::to_string(line.number())) + field("prev", to_hex(line.prev()));
  for (const auto key : line.keys()) {
    if (key == "details") {
      for (const auto& [name, value] : line.pairs(key)) text += field(name, value);
    } else if (key == "findings") {
      for (const auto finding : line.items(key)) text += field("finding", finding);
    } else {
      text += field(key, line.written(key));
    }
  }
  return text;
}

std::string Printer::stanza(const Line& line) const {
  const auto verdict = line.written("verdict");
  std::string kind(line.written("kind"));
  if (const auto type = line.written("type"); !type.empty()) kind.append(" ").append(type);
  std::string text = coloured(left(verdict, kVerdictWidth), colour_of(verdict));
  text.append(kGap).append(left(kind, kKindWidth));
  text.append(kGap).append(left(line.written("reason"), kReasonWidth));
  text.append(kGap).append(line.written("from")).append(" > ").append(line.written("to"));
  const auto extra = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) text.append(kGap).append(coloured(std::string(name) + "=" + std::string(value), kFaint));
  };
  extra("id", line.written("id"));
  extra("id-out", line.written("id_out"));
  extra("from-out", line.written("from_out"));
  extra("to-in", line.written("to_in"));
  extra("rule", line.written("rule"));
  extra("label", line.written("label_in"));
  if (line.written("label_out") != line.written("label_in")) extra("label-out", line.written("label_out"));
  extra("why", line.written("label_detail"));
  extra("shadow", line.written("shadow"));
  extra("cause", line.written("cause"));
  for (const auto finding : line.items("findings")) extra("also", finding);
  extra("content", line.written("content"));
  return text;
}

std::string Printer::event(const Line& line) const {
  std::string text = coloured(left("event", kVerdictWidth), kFaint);
  text.append(kGap).append(left(line.written("code"), kKindWidth));
  const auto extra = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) text.append(kGap).append(name).append("=").append(value);
  };
  extra("enclave", line.written("enclave"));
  extra("crossing", line.written("crossing"));
  extra("leg", line.written("leg"));
  for (const auto& [name, value] : line.pairs("details")) extra(name, value);
  return text;
}

std::string Printer::coloured(std::string_view text, std::string_view colour) const {
  if (!coloured_) return std::string(text);
  return "\x1b[" + std::string(colour) + "m" + std::string(text) + "\x1b[0m";
}

}  // namespace sallyport::audit
