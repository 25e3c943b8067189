// Messages and presence that crossed a short while ago: what an error may answer (protocol.md 9.2).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "policy/kind.h"
#include "policy/moment.h"
#include "policy/tracking/keyed.h"

namespace sallyport::policy {

/// What crossed; texts are views.
struct Crossed {
  Kind kind = Kind::Message;
  std::string_view from, to;  ///< prepared, whole
  std::string_view id;        ///< "" if absent
};

/// What a judgement wants remembered; one without `from` is none.
struct RecentChange {
  Crossed whole;    ///< as it crossed
  Crossed to_bare;  ///< as if it had been sent to the bare address
};

/// Remembers a keyed hash and the second of each, in fixed memory: what finds no place takes that of the oldest near
/// it. So an answer may be dropped too early, when much crosses, and none can pass that answers nothing (but for one
/// chance in 2^44 or so). One per guard lane.
class RecentStanzas {
 public:
  static constexpr std::chrono::minutes kMessages{5};
  static constexpr std::chrono::seconds kPresence{60};
  static constexpr std::size_t kPlaces = std::size_t{1} << 18;  ///< 4 MiB, of which only what was used is resident

  explicit RecentStanzas(const Secret& secret = {}, std::size_t places = kPlaces);

  bool has(const Crossed& stanza, std::chrono::milliseconds now) const;
  void commit(const RecentChange& change, const Moment& now);
  void add(const Crossed& stanza, std::chrono::milliseconds now);

 private:
  struct Place {
    std::uint64_t hash;
    std::uint32_t second;  ///< when, plus one; 0: empty
  };
  static constexpr std::size_t kNeighbours = 8;
  struct Free {
    void operator()(Place* places) const;
  };

  std::uint64_t hash(const Crossed& stanza) const;
  std::span<Place, kNeighbours> neighbours(std::uint64_t hash) const;

  KeyedHash hash_;
  std::size_t groups_;
  std::unique_ptr<Place[], Free> places_;
};

}  // namespace sallyport::policy
