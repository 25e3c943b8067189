// `sallyport ledger` at the guard: requests of the control socket about the lanes' ledgers.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <future>
#include <string>
#include <vector>

#include "inspect/jid.h"
#include "proxy/config/control.h"
#include "proxy/guard/gather.h"
#include "proxy/guard/guard.h"

namespace sallyport::guard {

namespace {

constexpr std::chrono::seconds kLedgerWritten{5};

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> all;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) all.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return all;
}

/// A bare JID in its prepared form.
bool is_bare(const std::string& text) {
  const auto jid = inspect::Jid::parse(text, inspect::JidProfile::Unicode);
  return jid && jid->is_bare() && jid->full() == text;
}

}  // namespace

std::string Guard::ledger_show_answer(std::string_view rest) {
  const auto asked = words(rest);
  std::size_t offset = 0;
  if (asked.size() != 3 ||
      std::from_chars(asked[2].data(), asked[2].data() + asked[2].size(), offset).ec != std::errc())
    return "error the request is not known\n";
  const std::string watcher = asked[0] == "-" ? "" : asked[0], watched = asked[1] == "-" ? "" : asked[1];
  const auto answers = gather<std::string>(lanes_, [&](LaneThread& lane, const auto& answer) {
    lane.ask([=](Lane& of, Moment) { answer(of.ledger_lines(watcher, watched)); });
  });
  std::vector<std::string> lines;
  for (const std::string& each : answers)
    for (std::size_t at = 0; at < each.size();) {
      const std::size_t end = each.find('\n', at);
      lines.push_back(each.substr(at, end + 1 - at));
      at = end + 1;
    }
  std::ranges::sort(lines);
  std::string text = "ok\n";
  for (std::size_t at = offset; at < lines.size(); ++at) {
    if (text.size() + lines[at].size() > config::kLargestControlAnswer) break;
    text += lines[at];
  }
  return text;
}

std::string Guard::ledger_import_answer(std::string_view rest) {
  const auto asked = words(rest);
  if (asked.empty() || asked.size() % 2 != 0 || !std::ranges::all_of(asked, is_bare))
    return "error the pairs are not bare JIDs in their prepared form\n";
  std::vector<std::vector<std::pair<std::string, std::string>>> by_lane(lanes_.size());
  for (std::size_t at = 0; at < asked.size(); at += 2) {
    const auto domain = [&](const std::string& jid) {
      return policy_.bundle->domain(policy::Address::of_prepared(jid).domain);
    };
    const policy::Domain *one = domain(asked[at]), *other = domain(asked[at + 1]);
    if (one == nullptr || other == nullptr || one->enclave == other->enclave) continue;
    by_lane[lane_of(asked[at], asked[at + 1])].emplace_back(asked[at], asked[at + 1]);
  }
  std::size_t number = 0;
  const auto answers = gather<std::size_t>(lanes_, [&](LaneThread& lane, const auto& answer) {
    auto pairs = std::move(by_lane[number++]);
    lane.ask([pairs = std::move(pairs), answer](Lane& of, Moment now) {
      answer(pairs.empty() ? std::size_t{0} : of.import(pairs, now));
    });
  });
  if (ledger_ && !ledger_->await_written(kLedgerWritten)) return "error the ledger cannot be written\n";
  std::size_t taken = 0;
  for (const std::size_t each : answers) taken += each;
  return "ok\n" + std::to_string(taken) + "\n";
}

std::string Guard::ledger_revoke_answer(std::string_view rest) {
  const auto asked = words(rest);
  if (asked.size() != 2 || !std::ranges::all_of(asked, is_bare))
    return "error a pair is two bare JIDs in their prepared form\n";
  const std::size_t owner = lane_of(asked[0], asked[1]);
  std::size_t number = 0;
  const auto answers = gather<int>(lanes_, [&](LaneThread& lane, const auto& answer) {
    const bool is_owner = number++ == owner;
    lane.ask([=](Lane& of, Moment now) { answer(is_owner && of.revoke(asked[0], asked[1], now) ? 1 : 0); });
  });
  // What the operator is told is so even if the guard dies the next moment.
  if (ledger_ && !ledger_->await_written(kLedgerWritten)) return "error the ledger cannot be written\n";
  const bool any = std::ranges::find(answers, 1) != answers.end();
  return any ? "ok\nit was open and is closed\n" : "ok\nit was not open; it stays closed\n";
}

}  // namespace sallyport::guard
