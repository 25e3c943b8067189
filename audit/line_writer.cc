#include "audit/line_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include <botan/hash.h>

#include "audit/format.h"

namespace sallyport::audit {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
/// The two digits of each octet.
constexpr auto kHexPairs = [] {
  std::array<std::array<char, 2>, 256> pairs{};
  for (std::size_t octet = 0; octet < pairs.size(); ++octet)
    pairs[octet] = {kHexDigits[octet >> 4], kHexDigits[octet & 15]};
  return pairs;
}();
constexpr char32_t kReplacement = 0xFFFD;

constexpr auto kPlainOctets = [] {
  std::array<bool, 256> plain{};
  for (std::size_t octet = 0x20; octet < 0x7F; ++octet) plain[octet] = true;
  plain['"'] = plain['\\'] = false;
  return plain;
}();

void number(std::uint64_t value, std::string& out) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

void hex(std::span<const std::uint8_t> octets, std::string& out) {
  const auto start = out.size();
  out.resize(start + octets.size() * 2);
  auto* at = out.data() + start;
  for (const auto octet : octets) at = std::ranges::copy(kHexPairs[octet], at).out;
}

struct Decoded {
  char32_t code = kReplacement;
  std::size_t octets = 1;
  bool valid = false;
};

/// The code point at the front of `text`; RFC 3629 section 4 without surrogates and overlong forms.
Decoded decode(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const auto lead = at(0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t octets = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < octets) return {};
  char32_t code = static_cast<char32_t>(lead & (0xFF >> (octets + 1)));
  for (std::size_t i = 1; i < octets; ++i) {
    if ((at(i) & 0xC0) != 0x80) return {};
    code = (code << 6) | (at(i) & 0x3F);
  }
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast[octets] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
  return {code, octets, true};
}

void unit(char32_t sixteen_bits, std::string& out) {
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHexDigits[(sixteen_bits >> shift) & 15];
}

void escaped(char32_t code, std::string& out) {
  if (code == '"' || code == '\\') {
    out += '\\';
    out += static_cast<char>(code);
  } else if (code > 0xFFFF) {
    unit(0xD7C0 + (code >> 10), out);
    unit(0xDC00 + (code & 0x3FF), out);
  } else {
    unit(code, out);
  }
}

/// Octets to keep of a text that is too long, so that no code point is cut in two.
std::size_t cut(std::string_view text, std::size_t most) {
  auto kept = most;
  while (kept > 0 && kept > most - 3 && (static_cast<std::uint8_t>(text[kept]) & 0xC0) == 0x80) --kept;
  return kept;
}

/// Octets at the front that stand for themselves, found in blocks that the compiler turns into vector instructions.
std::size_t plain_prefix(std::string_view text) {
  constexpr std::size_t kBlock = 16;
  std::size_t at = 0;
  while (text.size() - at >= kBlock) {
    unsigned char other = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
      const auto octet = static_cast<std::uint8_t>(text[at + i]);
      other |= static_cast<unsigned char>((octet < 0x20) | (octet >= 0x7F) | (octet == '"') | (octet == '\\'));
    }
    if (other != 0) break;
    at += kBlock;
  }
  while (at < text.size() && kPlainOctets[static_cast<std::uint8_t>(text[at])]) ++at;
  return at;
}

void append_escaped(std::string_view text, std::string& out) {
  std::size_t run = 0;
  for (std::size_t i = plain_prefix(text); i < text.size(); i += plain_prefix(text.substr(i))) {
    const auto decoded = decode(text.substr(i));
    const bool stands = decoded.valid && decoded.code >= 0x80 && !format::is_escaped(decoded.code);
    if (!stands) {
      out.append(text, run, i - run);
      if (decoded.valid) {
        escaped(decoded.code, out);
      } else {
        out += "\uFFFD";
      }
      run = i + decoded.octets;
    }
    i += decoded.octets;
  }
  out.append(text, run);
}

void text(std::string_view value, std::string& out, std::size_t most = format::kLargestText) {
  out += '"';
  const auto kept = value.size() > most ? cut(value, most) : value.size();
  append_escaped(value.substr(0, kept), out);
  if (kept < value.size()) {
    out += format::kCutBefore;
    number(value.size(), out);
    out += format::kCutAfter;
  }
  out += '"';
}

void text_field(std::string_view key, std::string_view value, std::string& out,
                std::size_t most = format::kLargestText) {
  if (value.empty()) return;
  out += key;
  text(value, out, most);
}

void number_field(std::string_view key, std::uint64_t value, std::string& out) {
  if (value == 0) return;
  out += key;
  number(value, out);
}

void hash_field(std::string_view key, const Digest& value, std::string& out) {
  if (value == Digest{}) return;
  out += key;
  out += '"';
  hex(value, out);
  out += '"';
}

void digits(unsigned value, int count, std::string& out) {
  const auto start = out.size();
  out.append(static_cast<std::size_t>(count), '0');
  for (auto i = start + static_cast<std::size_t>(count); i > start; value /= 10) {
    out[--i] = static_cast<char>('0' + value % 10);
  }
}

}  // namespace

void FieldWriter::write(const Record& record, std::string& out) {
  time(std::visit([](const auto& each) { return each.time; }, record), out);
  if (const auto* const a_stanza = std::get_if<StanzaRecord>(&record)) {
    stanza(*a_stanza, out);
  } else {
    event(std::get<EventRecord>(record), out);
  }
  out += '}';
}

void FieldWriter::stanza(const StanzaRecord& record, std::string& out) const {
  out += ",\"record\":\"stanza\"";
  number_field(",\"crossing\":", record.crossing, out);
  text_field(",\"from_enclave\":", record.from_enclave, out);
  text_field(",\"to_enclave\":", record.to_enclave, out);
  text_field(",\"from\":", record.from, out);
  text_field(",\"to\":", record.to, out);
  text_field(",\"kind\":", record.kind, out);
  text_field(",\"type\":", record.type, out);
  text_field(",\"id\":", record.id, out);
  text_field(",\"id_out\":", record.id_out, out);
  text_field(",\"from_out\":", record.from_out, out);
  text_field(",\"to_in\":", record.to_in, out);
  text_field(",\"verdict\":", record.verdict, out);
  text_field(",\"reason\":", record.reason, out);
  if (!record.findings.empty()) {
    out += ",\"findings\":[";
    for (std::size_t i = 0; i < std::min(record.findings.size(), format::kMostItems); ++i) {
      if (i > 0) out += ',';
      text(record.findings[i], out);
    }
    out += ']';
  }
  text_field(",\"rule\":", record.rule, out);
  text_field(",\"bundle\":", record.bundle, out);
  text_field(",\"label_in\":", record.label_in, out);
  text_field(",\"marking_in\":", record.marking_in, out);
  text_field(",\"label_out\":", record.label_out, out);
  text_field(",\"marking_out\":", record.marking_out, out);
  text_field(",\"label_detail\":", record.label_detail, out);
  text_field(",\"shadow\":", record.shadow, out);
  number_field(",\"leg_in\":", record.leg_in, out);
  number_field(",\"number_in\":", record.number_in, out);
  number_field(",\"leg_out\":", record.leg_out, out);
  number_field(",\"number_out\":", record.number_out, out);
  number_field(",\"octets_in\":", record.octets_in, out);
  number_field(",\"octets_out\":", record.octets_out, out);
  hash_field(",\"sha256_in\":", record.sha256_in, out);
  hash_field(",\"sha256_out\":", record.sha256_out, out);
  text_field(",\"cause\":", record.cause, out);
  text_field(",\"content\":", record.content, out, format::kLargestContent);
}

void FieldWriter::event(const EventRecord& record, std::string& out) const {
  out += ",\"record\":\"event\"";
  text_field(",\"code\":", record.code, out);
  text_field(",\"enclave\":", record.enclave, out);
  number_field(",\"crossing\":", record.crossing, out);
  number_field(",\"leg\":", record.leg, out);
  if (record.details.empty()) return;
  out += ",\"details\":[";
  for (std::size_t i = 0; i < std::min(record.details.size(), format::kMostItems); ++i) {
    out += i > 0 ? ",[" : "[";
    text(record.details[i].first, out);
    out += ',';
    text(record.details[i].second, out);
    out += ']';
  }
  out += ']';
}

void FieldWriter::time(Time time, std::string& out) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  if (second.time_since_epoch().count() != second_ || second_text_.empty()) {
    second_ = second.time_since_epoch().count();
    second_text_ = ",\"time\":\"";
    const auto day = std::chrono::floor<std::chrono::days>(second);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{second - day};
    digits(static_cast<unsigned>(static_cast<int>(date.year())), 4, second_text_);
    second_text_ += '-';
    digits(static_cast<unsigned>(date.month()), 2, second_text_);
    second_text_ += '-';
    digits(static_cast<unsigned>(date.day()), 2, second_text_);
    second_text_ += 'T';
    digits(static_cast<unsigned>(clock.hours().count()), 2, second_text_);
    second_text_ += ':';
    digits(static_cast<unsigned>(clock.minutes().count()), 2, second_text_);
    second_text_ += ':';
    digits(static_cast<unsigned>(clock.seconds().count()), 2, second_text_);
    second_text_ += '.';
  }
  out += second_text_;
  digits(static_cast<unsigned>((time - second).count()), 6, out);
  out += "Z\"";
}

void append_text(std::string_view value, std::string& out) {
  text(value, out, value.size());
}

Chain::Chain(std::uint64_t number, const Digest& last)
    : number_(number), last_(last), sha256_(Botan::HashFunction::create_or_throw("SHA-256")) {}

Chain::~Chain() = default;

std::uint64_t Chain::append(std::string_view fields, std::string& out) {
  const auto start = out.size();
  out += "{\"n\":";
  audit::number(++number_, out);
  out += ",\"prev\":\"";
  hex(last_, out);
  out += '"';
  out += fields;
  sha256_->update(format::kLeafPrefix);
  sha256_->update(reinterpret_cast<const std::uint8_t*>(out.data()) + start, out.size() - start);
  sha256_->final(last_.data());
  out += '\n';
  return number_;
}

}  // namespace sallyport::audit
