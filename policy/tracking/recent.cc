#include "policy/tracking/recent.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace sallyport::policy {
namespace {

using std::chrono::milliseconds;

std::uint32_t second_of(milliseconds now) {
  return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(now).count()) + 1;
}

}  // namespace

void RecentStanzas::Free::operator()(Place* places) const {
  std::free(places);
}

RecentStanzas::RecentStanzas(const Secret& secret, std::size_t places)
    : hash_(secret), groups_(std::max<std::size_t>(places / kNeighbours, 1)) {
  // calloc: pages that nobody has written to cost nothing.
  places_.reset(static_cast<Place*>(std::calloc(groups_ * kNeighbours, sizeof(Place))));
  if (!places_) throw std::bad_alloc();
}

std::uint64_t RecentStanzas::hash(const Crossed& stanza) const {
  return hash_({name(stanza.kind), stanza.from, stanza.to, stanza.id});
}

std::span<RecentStanzas::Place, RecentStanzas::kNeighbours> RecentStanzas::neighbours(std::uint64_t hash) const {
  return std::span<Place, kNeighbours>(&places_[hash % groups_ * kNeighbours], kNeighbours);
}

bool RecentStanzas::has(const Crossed& stanza, milliseconds now) const {
  const std::uint64_t wanted = hash(stanza);
  const milliseconds lasts = stanza.kind == Kind::Presence ? milliseconds(kPresence) : milliseconds(kMessages);
  const std::uint32_t second = second_of(now);
  const auto seconds = static_cast<std::uint32_t>(lasts / std::chrono::seconds(1));
  return std::ranges::any_of(neighbours(wanted), [&](const Place& place) {
    return place.second != 0 && place.hash == wanted && second - place.second <= seconds;
  });
}

void RecentStanzas::commit(const RecentChange& change, const Moment& now) {
  for (const Crossed* stanza : {&change.whole, &change.to_bare})
    if (!stanza->from.empty()) add(*stanza, now.steady);
}

void RecentStanzas::add(const Crossed& stanza, milliseconds now) {
  const std::uint64_t wanted = hash(stanza);
  const auto group = neighbours(wanted);
  auto place = std::ranges::find_if(group, [&](const Place& each) { return each.second == 0 || each.hash == wanted; });
  if (place == group.end()) place = std::ranges::min_element(group, {}, &Place::second);
  *place = {wanted, second_of(now)};
}

}  // namespace sallyport::policy
