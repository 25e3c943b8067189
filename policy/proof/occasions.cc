#include "policy/proof/occasions.h"

namespace sallyport::policy::proof {

struct Occasions::Look {
  const std::function<Next(const Occasion&)>& take;
  /// Pairs of sorts that are done with, on each way, and the kinds that are granted.
  std::set<std::tuple<std::uint16_t, std::size_t, std::size_t, unsigned>> done = {};
  std::size_t pair = 0;
  std::string why = {};
};

Occasions::Occasions(const Bundle& bundle, const Claim& claim, const When& when)
    : bundle_(bundle), claim_(claim), sorts_(bundle) {
  if (when.only)
    times_ = {instant(bundle, when.time)};
  else
    times_ = instants(bundle, when.time);
}

std::string Occasions::each(const std::function<Next(const Occasion&)>& take) {
  Look look{.take = take};
  each_passage(bundle_, claim_, [&](const Passage& passage) {
    for (const Party& from : passage.from)
      for (const Party& to : passage.to)
        if (!look_at(passage, from, to, look)) return false;
    return true;
  });
  return look.why;
}

/// False to stop.
bool Occasions::look_at(const Passage& passage, const Party& from, const Party& to, Look& look) {
  unsigned kinds = 0;
  for (unsigned i = 0; i <= static_cast<unsigned>(kLastKind); ++i)
    if (const auto kind = static_cast<Kind>(i);
        (!claim_.kind || *claim_.kind == kind) && passage.grants(bundle_, from, to, kind))
      kinds |= 1U << i;
  const auto alike = look.done.emplace(passage.way.label.peering, sorts_.of(from), sorts_.of(to), kinds);
  if (!alike.second) return true;
  ++look.pair;
  Next next = Next::Go;
  bool done = true;
  for (unsigned i = 0; i < kStanzaTypes && next != Next::Leave; ++i) {
    const auto type = static_cast<StanzaType>(i);
    if ((kinds >> static_cast<unsigned>(kind_of(type)) & 1U) == 0) continue;
    next = look_at(passage.way, from, to, type, look);
    if (next == Next::Stop) return false;
    done = done && next != Next::Look;
  }
  if (!done) look.done.erase(alike.first);
  return true;
}

/// Look if one of them said so.
Occasions::Next Occasions::look_at(const Way& way, const Party& from, const Party& to, StanzaType type, Look& look) {
  const std::vector<Content>* filled = contents_of(way, type);
  if (!filled) {
    look.why = "rules tell more contents apart than can be looked at (" + std::to_string(kMostContents) + ")";
    return Next::Stop;
  }
  const RuleSet between = rules_between(bundle_, from, to, type);
  Next all = Next::Go;
  for (const Instant& at : times_)
    for (const Content& content : *filled) {
      const Next next = look.take({way, from, to, look.pair, type, at, content, between});
      if (next == Next::Stop || next == Next::Leave) return next;
      if (next == Next::Look) all = next;
    }
  return all;
}

const std::vector<Content>* Occasions::contents_of(const Way& way, StanzaType type) {
  const auto [at, is_new] = contents_.try_emplace({way.label.peering, content_sort(bundle_, type)});
  if (is_new) at->second = contents(bundle_, way, type);
  const auto& found = at->second;
  return found ? &*found : nullptr;
}

}  // namespace sallyport::policy::proof
