#include "proxy/airlock/frames.h"

#include <array>

namespace sallyport::airlock {
namespace {

using inspect::OctetReader;
using inspect::OctetWriter;

constexpr std::size_t kPrefix = sizeof(std::uint32_t) + sizeof(std::uint8_t) + sizeof(LegId);

template <std::size_t... I>
bool read_body(std::size_t index, OctetReader& reader, Body& body, std::index_sequence<I...>) {
  return ((I == index && (reader.field(body.emplace<I>()), true)) || ...);
}

}  // namespace

void write(LegId leg, const Body& body, std::string& out) {
  const std::size_t start = out.size();
  OctetWriter writer(out);
  writer.integer(std::uint32_t{0});
  writer.integer(static_cast<std::uint8_t>(body.index() + 1));
  writer.integer(leg);
  std::visit([&](const auto& each) { writer.field(each); }, body);
  const auto length = static_cast<std::uint32_t>(out.size() - start - sizeof(std::uint32_t));
  for (std::size_t i = 0; i < sizeof(length); ++i)
    out[start + i] = static_cast<char>(static_cast<unsigned char>(length >> (24 - 8 * i)));
}

std::expected<std::size_t, FrameFault> frame_size(std::string_view in) {
  if (in.size() < sizeof(std::uint32_t)) return 0;
  const std::size_t size = OctetReader(in).integer<std::uint32_t>() + sizeof(std::uint32_t);
  if (size < kPrefix) return std::unexpected(FrameFault{"shorter than a frame's head"});
  if (size > kLargestFrame + sizeof(std::uint32_t)) return std::unexpected(FrameFault{"longer than 2 MiB"});
  return in.size() < size ? 0 : size;
}

std::expected<Frame, FrameFault> read(std::string_view octets) {
  OctetReader reader(octets);
  const auto length = reader.integer<std::uint32_t>();
  if (!reader.ok() || length != reader.left()) return std::unexpected(FrameFault{"wrong length"});
  const auto type = reader.integer<std::uint8_t>();
  Frame frame;
  frame.leg = reader.integer<LegId>();
  if (!reader.ok()) return std::unexpected(FrameFault{"shorter than a frame's head"});
  if (type == 0 || !read_body(type - 1U, reader, frame.body, std::make_index_sequence<std::variant_size_v<Body>>{}))
    return std::unexpected(FrameFault{"unknown type"});
  if (!reader.complete()) return std::unexpected(FrameFault{"fields do not fit the type"});
  return frame;
}

std::string_view name(const Body& body) {
  static constexpr std::array<std::string_view, std::variant_size_v<Body>> kNames = {
      "Hello", "Welcome", "Opened",  "Terms",  "Refuse",  "Proved",  "Dial",  "Ready",  "Failed",
      "Grant", "Stanza",  "Deliver", "Credit", "Handled", "Settled", "Close", "Closed", "Event",
      "Beat",  "Drain",   "Offer",   "Sasl",   "Bind",    "Bound",   "Csi",   "Sm"};
  return kNames[body.index()];
}

}  // namespace sallyport::airlock
