#include "proxy/edge/srv_order.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sallyport::edge {
namespace {

constexpr std::size_t kLongestName = 253;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_label_text(std::string_view label) {
  return std::ranges::all_of(label, [](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

std::uint16_t number_at(std::string_view rdata, std::size_t at) {
  const auto high = static_cast<unsigned char>(rdata[at]), low = static_cast<unsigned char>(rdata[at + 1]);
  return static_cast<std::uint16_t>(high << 8 | low);
}

// RFC 1035 3.1, not compressed: the resolver has seen to that.
std::optional<std::string> parse_name(std::string_view wire) {
  std::string name;
  while (!wire.empty()) {
    const auto length = static_cast<unsigned char>(wire.front());
    wire.remove_prefix(1);
    if (length == 0) return wire.empty() && name.size() <= kLongestName ? std::optional(name) : std::nullopt;
    if (length > 63 || length > wire.size() || !is_label_text(wire.substr(0, length))) return std::nullopt;
    if (!name.empty()) name += '.';
    std::ranges::transform(wire.substr(0, length), std::back_inserter(name), lower);
    wire.remove_prefix(length);
  }
  return std::nullopt;
}

// RFC 2782: of those with the same priority, one is drawn whose chance is its share of the weights that are left. Those
// of weight 0 stand first, so that they have a small chance too.
std::vector<SrvRecord>::iterator draw(std::vector<SrvRecord>::iterator first, std::vector<SrvRecord>::iterator last,
                                      const Random& random) {
  std::uint32_t sum = 0;
  for (auto at = first; at != last; ++at) sum += at->weight;
  const std::uint32_t lot = random(sum);
  std::uint32_t running = 0;
  for (auto at = first; at != last; ++at) {
    running += at->weight;
    if (running >= lot) return at;
  }
  return first;
}

}  // namespace

std::string_view name(NameFault fault) {
  switch (fault) {
    case NameFault::NoName:
      return "no such name";
    case NameFault::NoService:
      return "the domain says that it has no such service";
    case NameFault::NoAnswer:
      return "no answer from the DNS";
    case NameFault::Bogus:
      return "the answer fails DNSSEC";
    case NameFault::LocalAddress:
      return "the answer leads to this machine or link";
    case NameFault::Overload:
      return "too many questions at once";
    case NameFault::Deadline:
      return "no answer in time";
  }
  return "";
}

std::optional<SrvRecord> parse_srv(std::string_view rdata) {
  if (rdata.size() < 7) return std::nullopt;
  auto target = parse_name(rdata.substr(6));
  if (!target) return std::nullopt;
  return SrvRecord{number_at(rdata, 0), number_at(rdata, 2), number_at(rdata, 4), *std::move(target)};
}

std::vector<SrvRecord> in_order(std::vector<SrvRecord> records, const Random& random) {
  const auto rank = [](const SrvRecord& record) { return std::pair(record.priority, record.weight != 0); };
  std::ranges::sort(records, {}, rank);
  for (auto first = records.begin(); first != records.end();) {
    const auto last =
        std::find_if(first, records.end(), [&](const SrvRecord& record) { return record.priority != first->priority; });
    for (; first != last; ++first) {
      const auto drawn = draw(first, last, random);
      std::rotate(first, drawn, drawn + 1);
    }
  }
  return records;
}

std::expected<Targets, NameFault> targets(std::string_view ascii_domain, SrvAnswer starttls, SrvAnswer direct,
                                          const Random& random, std::uint16_t port) {
  using State = SrvAnswer::State;
  if (starttls.state == State::Bogus || direct.state == State::Bogus) return std::unexpected(NameFault::Bogus);
  std::vector<SrvRecord> found = std::move(starttls.records);
  for (SrvRecord& record : direct.records) {
    record.direct_tls = true;
    found.push_back(std::move(record));
  }
  std::erase_if(found, [](const SrvRecord& record) { return record.target.empty(); });
  if (!found.empty()) {
    found = in_order(std::move(found), random);
    if (found.size() > kMostTargets) found.resize(kMostTargets);
    return Targets{std::move(found)};
  }
  if (starttls.state == State::Records) return std::unexpected(NameFault::NoService);
  // A question without an answer may hide records, so it opens no way around them.
  if (starttls.state == State::Failed || direct.state == State::Failed) return std::unexpected(NameFault::NoAnswer);
  SrvRecord itself{.port = port, .target = std::string(ascii_domain), .secure = starttls.secure};
  return Targets{{std::move(itself)}, true};
}

}  // namespace sallyport::edge
