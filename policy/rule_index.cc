#include "policy/rule_index.h"

#include <algorithm>
#include <bit>
#include <concepts>
#include <map>

#include "policy/bundle.h"

namespace sallyport::policy {

/// Collects the rows; equal ones are kept once.
class RuleIndex::Builder {
 public:
  Builder(const Tables& tables, RuleIndex& index) : tables_(tables), index_(index) {
    for (std::size_t i = 0; i < tables.rules.size(); ++i) {
      arms_.push_back({&tables.rules[i], false});
      index.arms_.push_back(static_cast<std::uint16_t>(i));
      if (!tables.rules[i].both) continue;
      arms_.push_back({&tables.rules[i], true});
      index.arms_.push_back(static_cast<std::uint16_t>(i));
    }
    index.words_ = (arms_.size() + 63) / 64;
  }

  void run() {
    const auto from = [](const Arm& arm) -> const Side& { return arm.reversed ? arm.rule->to : arm.rule->from; };
    const auto to = [](const Arm& arm) -> const Side& { return arm.reversed ? arm.rule->from : arm.rule->to; };
    index_.from_ = domains(from);
    index_.to_ = domains(to);
    index_.list_from_ = lists(from);
    index_.list_to_ = lists(to);
    for (std::size_t i = 0; i < tables_.lists.size(); ++i)
      for (const std::string& bare : tables_.lists[i].bare) {
        index_.addresses_[bare].push_back(static_cast<std::uint16_t>(i));
        mark_domain(std::string_view(bare).substr(bare.find('@') + 1));
      }
    for (std::size_t i = 0; i < kStanzaTypes; ++i)
      index_.types_[i] = add([&](const Arm& arm) { return (arm.rule->stanzas >> i & 1U) != 0; });
    add_logins();
    index_.without_payload_ = add([](const Arm& arm) { return !arm.rule->payload; });
    for (std::size_t i = 0; i < tables_.payloads.size(); ++i) {
      index_.payloads_.emplace(tables_.payloads[i], static_cast<std::uint16_t>(i));
      index_.payload_rows_.push_back(add([&](const Arm& arm) {
        return arm.rule->payload && std::ranges::binary_search(*arm.rule->payload, static_cast<std::uint16_t>(i));
      }));
    }
  }

 private:
  struct Arm {
    const Rule* rule;
    bool reversed;
  };
  using Row = std::vector<Word>;

  std::uint32_t add(const Row& row) {
    const auto [at, is_new] = known_.try_emplace(row, static_cast<std::uint32_t>(known_.size()));
    if (is_new) index_.rows_.insert(index_.rows_.end(), row.begin(), row.end());
    return at->second;
  }

  template <class Has>
    requires std::predicate<Has, const Arm&>
  std::uint32_t add(Has has) {
    Row row(index_.words_);
    for (std::size_t i = 0; i < arms_.size(); ++i)
      if (has(arms_[i])) row[i / 64] |= Word{1} << i % 64;
    return add(row);
  }

  void add_logins() {
    index_.asks_for_login_ =
        std::ranges::any_of(tables_.rules, [](const Rule& rule) { return rule.logins.has_value(); });
    if (!index_.asks_for_login_) return;
    index_.between_servers_ = add([](const Arm& arm) { return !arm.rule->logins; });
    const auto of_session = [&](std::size_t login, Towards towards) {
      return add([&](const Arm& arm) {
        const Rule& rule = *arm.rule;
        if (!rule.logins) return true;
        return (rule.towards == Towards::Either || rule.towards == towards) &&
               std::ranges::binary_search(*rule.logins, static_cast<std::uint16_t>(login));
      });
    };
    for (std::size_t i = 0; i < tables_.logins.size(); ++i) {
      index_.to_server_.push_back(of_session(i, Towards::Server));
      index_.to_client_.push_back(of_session(i, Towards::Client));
    }
  }

  template <class SideOf>
  std::vector<DomainRow> domains(SideOf side_of) {
    Row everywhere(index_.words_);
    std::vector<Row> rows(tables_.domains.size(), everywhere);
    for (std::size_t i = 0; i < arms_.size(); ++i) {
      const Side& side = side_of(arms_[i]);
      const Word one = Word{1} << i % 64;
      if (side.any) everywhere[i / 64] |= one;
      for (const std::uint16_t domain : side.domains) rows[domain][i / 64] |= one;
    }
    std::vector<DomainRow> found(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (std::size_t word = 0; word < index_.words_; ++word) rows[i][word] |= everywhere[word];
      found[i].row = add(rows[i]);
    }
    return found;
  }

  template <class SideOf>
  std::vector<std::uint32_t> lists(SideOf side_of) {
    std::vector<std::uint32_t> found;
    found.reserve(tables_.lists.size());
    for (std::size_t list = 0; list < tables_.lists.size(); ++list)
      found.push_back(add([&](const Arm& arm) {
        return std::ranges::binary_search(side_of(arm).lists, static_cast<std::uint16_t>(list));
      }));
    return found;
  }

  void mark_domain(std::string_view name) {
    const auto at = std::ranges::lower_bound(tables_.domains, name, {}, &Domain::name);
    if (at == tables_.domains.end() || at->name != name) return;
    const auto number = static_cast<std::size_t>(at - tables_.domains.begin());
    index_.from_[number].has_lists = index_.to_[number].has_lists = true;
  }

  const Tables& tables_;
  RuleIndex& index_;
  std::vector<Arm> arms_;
  std::map<Row, std::uint32_t> known_;
};

RuleIndex::RuleIndex(const Tables& tables) {
  if (!tables.rules.empty()) Builder(tables, *this).run();
  asks_for_label_ = std::ranges::any_of(tables.rules, [](const Rule& rule) { return rule.label.has_value(); });
}

std::optional<std::uint16_t> RuleIndex::Candidates::next() {
  for (; at_ < used_; ++at_) {
    Word& word = words_[at_];
    if (word == 0) continue;
    const auto lowest = static_cast<std::size_t>(std::countr_zero(word));
    word &= word - 1;
    return (*arms_)[at_ * 64 + lowest];
  }
  return std::nullopt;
}

void RuleIndex::add_lists(Word* words, std::string_view bare, const std::vector<std::uint32_t>& list_rows) const {
  const auto at = addresses_.find(bare);
  if (at == addresses_.end()) return;
  for (const std::uint16_t list : at->second) {
    const Word* more = row(list_rows[list]);
    for (std::size_t i = 0; i < words_; ++i) words[i] |= more[i];
  }
}

RuleIndex::Candidates RuleIndex::candidates(const Question& question) const {
  Candidates found;
  found.used_ = words_;
  found.arms_ = &arms_;
  const DomainRow& from = from_[question.from_domain];
  const DomainRow& to = to_[question.to_domain];
  std::copy_n(row(from.row), words_, found.words_.begin());
  if (from.has_lists) add_lists(found.words_.data(), question.from_bare, list_from_);

  const Word* to_words = row(to.row);
  std::array<Word, kMostWords> own;
  if (to.has_lists) {
    std::copy_n(to_words, words_, own.begin());
    add_lists(own.data(), question.to_bare, list_to_);
    to_words = own.data();
  }
  const Word* of_type = row(types_[static_cast<std::size_t>(question.type)]);
  for (std::size_t i = 0; i < words_; ++i) found.words_[i] &= to_words[i] & of_type[i];
  if (!asks_for_login_) return found;
  const auto& session = question.session;
  const Word* of_login = row(!session               ? between_servers_
                             : session->from_client ? to_server_[session->login]
                                                    : to_client_[session->login]);
  for (std::size_t i = 0; i < words_; ++i) found.words_[i] &= of_login[i];
  return found;
}

bool RuleIndex::ask_for_payload(const Candidates& candidates) const {
  if (payload_rows_.empty()) return false;
  const Word* without = row(without_payload_);
  for (std::size_t i = 0; i < words_; ++i)
    if ((candidates.words_[i] & ~without[i]) != 0) return true;
  return false;
}

void RuleIndex::keep_with_payload(Candidates& candidates, std::span<const std::uint16_t> present) const {
  const Word* without = row(without_payload_);
  for (std::size_t i = 0; i < words_; ++i) {
    Word fitting = without[i];
    for (const std::uint16_t payload : present) fitting |= row(payload_rows_[payload])[i];
    candidates.words_[i] &= fitting;
  }
}

std::optional<std::uint16_t> RuleIndex::payload(std::string_view ns, std::string_view name) const {
  const auto at = payloads_.find(PayloadView{ns, name});
  if (at == payloads_.end()) return std::nullopt;
  return at->second;
}

}  // namespace sallyport::policy
