#include "proxy/guard/login_tries.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

namespace sallyport::guard {
namespace {

using std::chrono::milliseconds;

constexpr LoginTries::Source kOthers = ~LoginTries::Source{0};

/// Where so many failures are known.
milliseconds delay(unsigned failures) {
  constexpr unsigned kEnoughDoublings = 10;
  if (failures <= LoginTries::kFree) return milliseconds::zero();
  const unsigned doublings = std::min(failures - LoginTries::kFree - 1, kEnoughDoublings);
  return std::min<milliseconds>(LoginTries::kLongest, LoginTries::kFirst * (1U << doublings));
}

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

milliseconds LoginTries::wait(const Try& login, Steady now) {
  const std::scoped_lock lock(mutex_);
  forget_old(now);
  Account* account = find(login);
  if (account == nullptr) return milliseconds::zero();
  const milliseconds next = delay(account->failures(now));
  if (next == milliseconds::zero()) return next;
  Steady& opens = account->opens(login.source, now);
  if (opens > now) return std::chrono::ceil<milliseconds>(opens - now);
  // From here on, not from the server's answer: many tries at once are not one.
  opens = now + next;
  return milliseconds::zero();
}

void LoginTries::fail(const Try& login, Steady now) {
  const std::scoped_lock lock(mutex_);
  forget_old(now);
  const Key key = this->key(login);
  Account& account = make(key);
  by_end_.erase({account.forgotten, key});
  account.forgotten = std::min(std::max(account.forgotten, now) + kLongest, now + kMostFailures * kLongest);
  by_end_.emplace(account.forgotten, key);
  const milliseconds next = delay(account.failures(now));
  if (next != milliseconds::zero()) account.opens(login.source, now) = now + next;
}

void LoginTries::succeed(const Try& login) {
  const std::scoped_lock lock(mutex_);
  if (Account* account = find(login))
    std::erase_if(account->sources, [&](const auto& entry) { return entry.first == login.source; });
}

std::size_t LoginTries::accounts() const {
  const std::scoped_lock lock(mutex_);
  return accounts_.size();
}

unsigned LoginTries::Account::failures(Steady now) const {
  if (forgotten <= now) return 0;
  return static_cast<unsigned>((forgotten - now + kLongest - Steady::duration(1)) / kLongest);
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

LoginTries::Key LoginTries::key(const Try& login) {
  std::string text(login.enclave);
  text.append(1, '\0').append(login.account);
  return sha256_(text);
}

LoginTries::Account* LoginTries::find(const Try& login) {
  if (accounts_.empty()) return nullptr;
  const auto found = accounts_.find(key(login));
  return found == accounts_.end() ? nullptr : &found->second;
}

LoginTries::Account& LoginTries::make(const Key& key) {
  const auto found = accounts_.find(key);
  if (found != accounts_.end()) return found->second;
  if (accounts_.size() >= kMostAccounts) {
    accounts_.erase(by_end_.begin()->second);
    by_end_.erase(by_end_.begin());
  }
  return accounts_[key];
}

void LoginTries::forget_old(Steady now) {
  while (!by_end_.empty() && by_end_.begin()->first <= now) {
    accounts_.erase(by_end_.begin()->second);
    by_end_.erase(by_end_.begin());
  }
}

}  // namespace sallyport::guard
