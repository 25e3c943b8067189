#include "proxy/edge/admission.h"

#include <random>

namespace sallyport::edge {
namespace {

constexpr std::chrono::minutes kWindow{1};

}  // namespace

std::uint64_t Admission::random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

std::size_t Admission::Hash::operator()(const Key& key) const {
  // splitmix64 over the keyed value.
  std::uint64_t mixed = (key.high ^ seed) + (key.ipv6 ? 0x9E3779B97F4A7C15ULL : 0);
  mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9ULL;
  mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBULL;
  return static_cast<std::size_t>(mixed ^ mixed >> 31);
}

Admission::Key Admission::key(const Address& address) {
  if (address.is_v4()) return {address.to_v4().to_uint(), false};
  const auto v6 = address.to_v6();
  if (v6.is_v4_mapped()) return {boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, v6).to_uint(), false};
  std::uint64_t high = 0;
  const auto octets = v6.to_bytes();
  for (std::size_t i = 0; i < 8; ++i) high = high << 8 | octets[i];
  return {high, true};
}

void Admission::forget_old(Clock::time_point now) {
  std::erase_if(sources_,
                [&](const auto& entry) { return entry.second.connections == 0 && now - entry.second.since > kWindow; });
}

void Admission::set_limits(const config::EdgeLimits& limits) {
  const std::lock_guard lock(mutex_);
  limits_ = limits;
}

Admission::Answer Admission::admit(const Address& address, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (sources_.size() >= kMostSources) {
    forget_old(now);
    if (sources_.size() >= kMostSources) return Answer::TooManyConnections;
  }
  Record& record = sources_[key(address)];
  if (now - record.since > kWindow) {
    record.since = now;
    record.attempts = 0;
  }
  if (++record.attempts > limits_.attempts_per_minute) return Answer::TooManyAttempts;
  if (record.connections >= limits_.connections_per_address) return Answer::TooManyFromSource;
  if (connections_ >= limits_.connections) return Answer::TooManyConnections;
  ++record.connections;
  ++connections_;
  return Answer::Admit;
}

void Admission::release(const Address& address) {
  const std::lock_guard lock(mutex_);
  const auto found = sources_.find(key(address));
  if (found == sources_.end() || found->second.connections == 0) return;
  --found->second.connections;
  --connections_;
}

Admission::Answer Admission::admit_dialled() {
  const std::lock_guard lock(mutex_);
  if (connections_ >= limits_.connections) return Answer::TooManyConnections;
  ++connections_;
  return Answer::Admit;
}

void Admission::release_dialled() {
  const std::lock_guard lock(mutex_);
  --connections_;
}

Admission::Answer Admission::begin_handshake(const std::optional<Address>& address) {
  const std::lock_guard lock(mutex_);
  if (handshakes_ >= limits_.handshakes) return Answer::TooManyHandshakes;
  if (address) {
    std::uint32_t& of_source = sources_[key(*address)].handshakes;
    if (of_source >= limits_.handshakes_per_address) return Answer::TooManyHandshakesFromSource;
    ++of_source;
  }
  ++handshakes_;
  return Answer::Admit;
}

void Admission::end_handshake(const std::optional<Address>& address) {
  const std::lock_guard lock(mutex_);
  if (address) --sources_[key(*address)].handshakes;
  --handshakes_;
}

std::size_t Admission::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

std::string_view name(Admission::Answer answer) {
  switch (answer) {
    case Admission::Answer::Admit:
      return "admitted";
    case Admission::Answer::TooManyConnections:
      return "too many connections";
    case Admission::Answer::TooManyFromSource:
      return "too many connections from this source";
    case Admission::Answer::TooManyAttempts:
      return "too many attempts from this source";
    case Admission::Answer::TooManyHandshakes:
      return "too many handshakes in progress";
    case Admission::Answer::TooManyHandshakesFromSource:
      return "too many handshakes in progress from this source";
  }
  return "";
}

}  // namespace sallyport::edge
