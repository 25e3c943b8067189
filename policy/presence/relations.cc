#include "policy/presence/relations.h"

#include <cstring>
#include <new>

namespace sallyport::policy::presence {
namespace {

constexpr std::array<std::string_view, 5> kOrigins = {"wire", "import", "learned", "operator", "session"};
constexpr char kBetween = '\n';
constexpr std::size_t kFewestSlots = 8;

}  // namespace

std::string_view name(Origin origin) {
  return kOrigins[static_cast<std::size_t>(origin)];
}

std::optional<Origin> origin(std::string_view wanted) {
  for (std::size_t i = 0; i < kOrigins.size(); ++i)
    if (kOrigins[i] == wanted) return static_cast<Origin>(i);
  return std::nullopt;
}

std::string key(const PairView& pair) {
  std::string text;
  text.reserve(pair.watcher.size() + 1 + pair.watched.size());
  text.append(pair.watcher).append(1, kBetween).append(pair.watched);
  return text;
}

PairView pair_of(std::string_view key) {
  const std::size_t at = key.find(kBetween);
  return {key.substr(0, at), key.substr(at + 1)};
}

Relations::Relations(Relations&& other) noexcept
    : hash_(other.hash_),
      slots_(std::exchange(other.slots_, {})),
      taken_(std::exchange(other.taken_, 0)),
      last_(std::exchange(other.last_, nullptr)) {}

Relations& Relations::operator=(Relations&& other) noexcept {
  hash_ = other.hash_;
  slots_ = std::exchange(other.slots_, {});
  taken_ = std::exchange(other.taken_, 0);
  last_ = std::exchange(other.last_, nullptr);
  return *this;
}

void Relations::Free::operator()(Place* place) const {
  place->~Place();
  ::operator delete(place);
}

const Watch* Relations::find(const PairView& pair) const {
  const Wanted wanted(pair);
  if (last_ == nullptr || !wanted.is(*last_)) {
    if (taken_ == 0) return nullptr;
    Place* found = slots_[seek(wanted, hash_({wanted.first, wanted.second}))].place.get();
    if (found == nullptr) return nullptr;
    last_ = found;
  }
  return &last_->ways[wanted.way];
}

std::size_t Relations::seek(const Wanted& wanted, std::uint64_t hash) const {
  std::size_t at = home(hash);
  while (slots_[at].place && !(slots_[at].hash == hash && wanted.is(*slots_[at].place))) at = after(at);
  return at;
}

Watch& Relations::add(const PairView& pair) {
  if (Watch* known = find(pair)) return *known;
  if (taken_ + 1 > slots_.size() / 4 * 3) grow();
  const Wanted wanted(pair);
  const std::uint64_t hash = hash_({wanted.first, wanted.second});
  Slot& slot = slots_[seek(wanted, hash)];
  auto* place = new (::operator new(sizeof(Place) + wanted.first.size() + wanted.second.size())) Place();
  place->first_size = static_cast<std::uint32_t>(wanted.first.size());
  place->second_size = static_cast<std::uint32_t>(wanted.second.size());
  char* names = reinterpret_cast<char*>(place + 1);
  std::memcpy(names, wanted.first.data(), wanted.first.size());
  std::memcpy(names + wanted.first.size(), wanted.second.data(), wanted.second.size());
  slot.hash = hash;
  slot.place.reset(place);
  ++taken_;
  last_ = place;
  return place->ways[wanted.way];
}

void Relations::grow() {
  std::vector<Slot> old(slots_.empty() ? kFewestSlots : slots_.size() * 2);
  old.swap(slots_);
  for (Slot& slot : old) {
    if (!slot.place) continue;
    std::size_t at = home(slot.hash);
    while (slots_[at].place) at = after(at);
    slots_[at] = std::move(slot);
  }
}

void Relations::drop_if_empty(const PairView& pair) {
  if (taken_ == 0) return;
  const Wanted wanted(pair);
  std::size_t gap = seek(wanted, hash_({wanted.first, wanted.second}));
  const Place* place = slots_[gap].place.get();
  if (place == nullptr || !place->ways[0].is_empty() || !place->ways[1].is_empty()) return;
  last_ = nullptr;
  slots_[gap].place.reset();
  --taken_;
  // Those behind it move up, unless that would put one in front of the slot where its search begins.
  for (std::size_t at = after(gap); slots_[at].place; at = after(at)) {
    const std::size_t mask = slots_.size() - 1;
    if (((at - home(slots_[at].hash)) & mask) < ((at - gap) & mask)) continue;
    slots_[gap] = std::move(slots_[at]);
    gap = at;
  }
}

}  // namespace sallyport::policy::presence
