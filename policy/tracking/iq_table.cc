#include "policy/tracking/iq_table.h"

#include <array>

#include "policy/verdict.h"

namespace sallyport::policy {
namespace {

using std::chrono::milliseconds;

std::uint32_t count_of(const std::unordered_map<std::uint64_t, std::uint32_t>& counts, std::uint64_t key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

void count_down(std::unordered_map<std::uint64_t, std::uint32_t>& counts, std::uint64_t key) {
  const auto found = counts.find(key);
  if (--found->second == 0) counts.erase(found);
}

std::size_t octets_of(const IqRequest& request) {
  return request.id.size() + request.from.size() + request.to.size() + request.ns.size() + request.name.size() +
         request.query.size();
}

}  // namespace

OpenIq::OpenIq(const IqRequest& request, milliseconds now)
    : asked_(now), expires_(now + request.patience), to_service_(request.to_service) {
  const std::array<std::string_view, kParts> parts = {request.id, request.from, request.to,
                                                      request.ns, request.name, request.query};
  text_.reserve(octets_of(request));
  for (std::size_t i = 0; i < kParts; ++i) {
    text_ += parts[i];
    ends_[i] = static_cast<std::uint32_t>(text_.size());
  }
}

std::string_view OpenIq::part(std::size_t which) const {
  const std::size_t begin = which == 0 ? 0 : ends_[which - 1];
  return std::string_view(text_).substr(begin, ends_[which] - begin);
}

IqTable::IqTable(const Secret& secret, const Bounds& bounds) : hash_(secret), bounds_(bounds) {}

std::uint64_t IqTable::pair_key(std::string_view from, std::string_view to) const {
  return hash_({"pair", Address::of_prepared(from).domain, Address::of_prepared(to).domain});
}

bool IqTable::has_room(const IqRequest& request) const {
  return open_.size() < bounds_.total && octets_ + octets_of(request) <= bounds_.octets &&
         count_of(requesters_, requester_key(request.from)) < bounds_.requester &&
         count_of(pairs_, pair_key(request.from, request.to)) < bounds_.pair;
}

const OpenIq* IqTable::find(std::string_view id) const {
  Tokens::Token token;
  if (!Tokens::read(id, token)) return nullptr;
  const auto found = open_.find(token);
  return found == open_.end() ? nullptr : &found->second;
}

std::optional<Tokens::Token> IqTable::query(std::string_view from, std::string_view to,
                                            std::string_view queryid) const {
  const auto found = queries_.find(query_key(from, to, queryid));
  if (found == queries_.end()) return std::nullopt;
  const auto open = open_.find(found->second);
  if (open == open_.end() || open->second.messages >= kMessagesOfQuery) return std::nullopt;
  return found->second;
}

void IqTable::commit(const IqChange& change, const Moment& now) {
  if (change.open != nullptr) open(*change.open, now.steady);
  if (!change.close.empty()) take(change.close);
  if (change.message_of) count_message(*change.message_of);
}

void IqTable::open(const IqRequest& request, milliseconds now) {
  if (has_room(request)) enter(request.token, OpenIq(request, now));
}

void IqTable::enter(const Tokens::Token& token, OpenIq&& entering) {
  const auto [at, is_new] = open_.try_emplace(token, std::move(entering));
  if (!is_new) return;
  const OpenIq& open = at->second;
  expiries_.emplace(open.expires(), token);
  ++requesters_[requester_key(open.from())];
  ++pairs_[pair_key(open.from(), open.to())];
  octets_ += open.octets();
  if (!open.query().empty()) queries_[query_key(open.to(), open.from(), open.query())] = token;
}

std::optional<OpenIq> IqTable::take(Open::iterator at) {
  if (at == open_.end()) return std::nullopt;
  const Tokens::Token token = at->first;
  OpenIq taken = std::move(at->second);
  open_.erase(at);
  expiries_.erase({taken.expires(), token});
  count_down(requesters_, requester_key(taken.from()));
  count_down(pairs_, pair_key(taken.from(), taken.to()));
  octets_ -= taken.octets();
  if (!taken.query().empty()) {
    // The queryid may have been used again since.
    const auto query = queries_.find(query_key(taken.to(), taken.from(), taken.query()));
    if (query != queries_.end() && query->second == token) queries_.erase(query);
  }
  return taken;
}

std::optional<OpenIq> IqTable::take(const Tokens::Token& token) {
  return take(open_.find(token));
}

std::optional<OpenIq> IqTable::take(std::string_view id) {
  Tokens::Token token;
  if (!Tokens::read(id, token)) return std::nullopt;
  return take(token);
}

void IqTable::count_message(const Tokens::Token& token) {
  const auto found = open_.find(token);
  if (found != open_.end()) ++found->second.messages;
}

void IqTable::deliver(std::string_view id, std::uint64_t leg, std::uint64_t record) {
  Tokens::Token token;
  if (!Tokens::read(id, token)) return;
  const auto found = open_.find(token);
  if (found == open_.end()) return;
  found->second.leg = leg;
  found->second.record = record;
}

std::vector<OpenIq> IqTable::expire(milliseconds now, std::size_t most) {
  std::vector<OpenIq> expired;
  while (!expiries_.empty() && expiries_.begin()->first <= now && expired.size() < most)
    if (auto taken = take(expiries_.begin()->second)) expired.push_back(std::move(*taken));
  return expired;
}

std::vector<Tokens::Token> IqTable::of_leg(std::uint64_t leg) const {
  std::vector<Tokens::Token> tokens;
  for (const auto& [expiry, token] : expiries_)
    if (open_.find(token)->second.leg == leg) tokens.push_back(token);
  return tokens;
}

std::vector<OpenIq> IqTable::lose(std::uint64_t leg) {
  std::vector<OpenIq> lost;
  for (const Tokens::Token& token : of_leg(leg))
    if (auto taken = take(token)) lost.push_back(std::move(*taken));
  return lost;
}

std::vector<IqTable::Moving> IqTable::give(std::uint64_t leg) {
  std::vector<Moving> given;
  for (const Tokens::Token& token : of_leg(leg))
    if (auto taken = take(token)) given.push_back({token, std::move(*taken)});
  return given;
}

std::optional<IqTable::Moving> IqTable::keep(Moving moving) {
  const bool has_room = open_.size() < bounds_.total && octets_ + moving.open.octets() <= bounds_.octets;
  if (!has_room) return moving;
  enter(moving.token, std::move(moving.open));
  return std::nullopt;
}

std::optional<milliseconds> IqTable::next_expiry() const {
  if (expiries_.empty()) return std::nullopt;
  return expiries_.begin()->first;
}

}  // namespace sallyport::policy
