#include "proxy/guard/login_tries.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

namespace sallyport::guard {
namespace {

using std::chrono::milliseconds;

constexpr LoginTries::Source kOthers = ~LoginTries::Source{0};

/// Takes a number off the front of the text.
template <class Number>
bool take(std::string_view& text, Number& number, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

std::optional<LoginTries::Source> ipv4(std::string_view text) {
  LoginTries::Source source = 0xffff'ffff;  // no /64 that a client has
  for (int i = 0; i < 4; ++i) {
    std::uint8_t octet = 0;
    if (i > 0 && !text.starts_with('.')) return std::nullopt;
    if (i > 0) text.remove_prefix(1);
    if (!take(text, octet, 10)) return std::nullopt;
    source = source << 8U | octet;
  }
  return text.empty() ? std::optional(source) : std::nullopt;
}

/// The /64.
std::optional<LoginTries::Source> ipv6(std::string_view text) {
  constexpr std::string_view kMapped = "::ffff:";
  if (text.starts_with(kMapped) && text.contains('.')) return ipv4(text.substr(kMapped.size()));
  std::array<std::uint16_t, 8> groups{};
  std::size_t count = 0;
  std::optional<std::size_t> gap;
  while (!text.empty()) {
    if (!gap && text.starts_with("::")) {
      gap = count;
      text.remove_prefix(2);
      continue;
    }
    if (count > 0 && gap != count) {
      if (!text.starts_with(':')) return std::nullopt;
      text.remove_prefix(1);
    }
    if (count == groups.size() || !take(text, groups[count], 16)) return std::nullopt;
    ++count;
  }
  if (gap ? count == groups.size() : count < groups.size()) return std::nullopt;
  const auto at = [&groups](std::size_t index) { return groups.begin() + static_cast<std::ptrdiff_t>(index); };
  if (gap) std::rotate(at(*gap), at(count), groups.end());
  LoginTries::Source source = 0;
  for (std::size_t i = 0; i < 4; ++i) source = source << 16U | groups[i];
  return source;
}

}  // namespace

LoginTries::Source LoginTries::source(std::string_view peer) {
  std::string_view address = peer.substr(0, peer.rfind(':'));
  if (!address.starts_with('[') || !address.ends_with(']')) return ipv4(address).value_or(0);
  address = address.substr(1, address.size() - 2);
  return ipv6(address.substr(0, address.find('%'))).value_or(0);
}

LoginTries::Wait LoginTries::wait(const Try& login, Steady now) {
  const std::scoped_lock lock(mutex_);
  forget_old(now);
  const Gate account = account_gate(login, now), source = source_gate(login, now);
  const auto left = [now](const Gate& gate) {
    const bool is_closed = gate.opens != nullptr && *gate.opens > now;
    return is_closed ? std::chrono::ceil<milliseconds>(*gate.opens - now) : milliseconds::zero();
  };
  const Wait by_account{left(account), Count::Account}, by_source{left(source), Count::Source};
  const Wait longer = by_source.time > by_account.time ? by_source : by_account;
  if (longer.time > milliseconds::zero()) return longer;
  // From here on, not from the server's answer: many tries at once are not one.
  for (const Gate& gate : {account, source})
    if (gate.opens != nullptr) *gate.opens = now + gate.next;
  return {};
}

void LoginTries::fail(const Try& login, Steady now) {
  const std::scoped_lock lock(mutex_);
  forget_old(now);
  if (!login.account.empty()) accounts_.fail(account_key(login), kOfAccount, now);
  sources_.fail(source_key(login), kOfSource, now);
  for (const Gate& gate : {account_gate(login, now), source_gate(login, now)})
    if (gate.opens != nullptr) *gate.opens = now + gate.next;
}

void LoginTries::succeed(const Try& login) {
  const std::scoped_lock lock(mutex_);
  if (Account* account = accounts_.find(account_key(login)))
    std::erase_if(account->sources, [&](const auto& entry) { return entry.first == login.source; });
  if (Shared* shared = sources_.find(source_key(login))) shared->opens = {};
}

std::size_t LoginTries::accounts() const {
  const std::scoped_lock lock(mutex_);
  return accounts_.size();
}

std::size_t LoginTries::sources() const {
  const std::scoped_lock lock(mutex_);
  return sources_.size();
}

milliseconds LoginTries::Failures::delay(const Limit& limit, Steady now) const {
  constexpr unsigned kEnoughDoublings = 10;
  if (forgotten <= now) return milliseconds::zero();
  const auto count = static_cast<unsigned>((forgotten - now + limit.each - Steady::duration(1)) / limit.each);
  if (count <= limit.free) return milliseconds::zero();
  const unsigned doublings = std::min(count - limit.free - 1, kEnoughDoublings);
  return std::min<milliseconds>(limit.each, kFirst * (1U << doublings));
}

Steady& LoginTries::Account::opens(Source source, Steady now) {
  const auto find = [this](Source wanted) {
    return std::ranges::find(sources, wanted, &decltype(sources)::value_type::first);
  };
  if (const auto found = find(source); found != sources.end()) return found->second;
  std::erase_if(sources, [now](const auto& entry) { return entry.second <= now; });
  if (sources.size() >= kMostSources) {
    source = kOthers;
    if (const auto found = find(source); found != sources.end()) return found->second;
  }
  return sources.emplace_back(source, now).second;
}

LoginTries::Gate LoginTries::account_gate(const Try& login, Steady now) {
  Account* account = login.account.empty() ? nullptr : accounts_.find(account_key(login));
  if (account == nullptr) return {};
  const milliseconds next = account->failures.delay(kOfAccount, now);
  if (next == milliseconds::zero()) return {};
  return {&account->opens(login.source, now), next};
}

LoginTries::Gate LoginTries::source_gate(const Try& login, Steady now) {
  Shared* shared = sources_.find(source_key(login));
  if (shared == nullptr) return {};
  const milliseconds next = shared->failures.delay(kOfSource, now);
  if (next == milliseconds::zero()) return {};
  return {&shared->opens, next};
}

LoginTries::Key LoginTries::account_key(const Try& login) {
  std::string text(login.enclave);
  text.append(1, '\0').append(login.account);
  return sha256_(text);
}

LoginTries::Key LoginTries::source_key(const Try& login) {
  std::string text(login.enclave);
  text.append(1, '\0').append(std::to_string(login.source));
  return sha256_(text);
}

void LoginTries::forget_old(Steady now) {
  accounts_.forget_old(now);
  sources_.forget_old(now);
}

template <class Counted>
Counted* LoginTries::Bounded<Counted>::find(const Key& key) {
  const auto found = counted_.find(key);
  return found == counted_.end() ? nullptr : &found->second;
}

template <class Counted>
void LoginTries::Bounded<Counted>::fail(const Key& key, const Limit& limit, Steady now) {
  if (counted_.size() >= kMostCounted && !counted_.contains(key)) {
    counted_.erase(by_end_.begin()->second);
    by_end_.erase(by_end_.begin());
  }
  Steady& forgotten = counted_[key].failures.forgotten;
  by_end_.erase({forgotten, key});
  forgotten = std::min(std::max(forgotten, now) + limit.each, now + limit.most * limit.each);
  by_end_.emplace(forgotten, key);
}

template <class Counted>
void LoginTries::Bounded<Counted>::forget_old(Steady now) {
  while (!by_end_.empty() && by_end_.begin()->first <= now) {
    counted_.erase(by_end_.begin()->second);
    by_end_.erase(by_end_.begin());
  }
}

}  // namespace sallyport::guard
