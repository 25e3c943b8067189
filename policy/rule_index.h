// The index by which the guard finds the rule for a stanza.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/rule.h"

namespace sallyport::policy {

struct Tables;

/// Rules by what a stanza shows at once: its domains, bare addresses, type, session and payloads. Each of these is a
/// row of bits, one for each rule and direction, in the rules' order; a stanza's candidates are the bits that all its
/// rows share. So a thousand rules cost sixteen words for each row, whichever of them match.
class RuleIndex {
 public:
  using Word = std::uint64_t;
  static constexpr std::size_t kMostWords = 2 * kMostRules / 64;

  RuleIndex() = default;
  explicit RuleIndex(const Tables& tables);

  /// What may still match, lowest first. Conditions that are no rows (only_payload, window) are not looked at.
  class Candidates {
   public:
    /// The place of the next rule in Tables::rules.
    std::optional<std::uint16_t> next();

   private:
    friend class RuleIndex;
    std::array<Word, kMostWords> words_;
    std::size_t used_ = 0, at_ = 0;
    const std::vector<std::uint16_t>* arms_ = nullptr;
  };

  /// Of a client's session: its login's place in the tables, and whose the stanza is.
  struct OfSession {
    std::uint16_t login;
    bool from_client;
  };
  /// Numbers are those of the tables' domains; bare addresses are "" for a domain as such.
  struct Question {
    std::uint16_t from_domain, to_domain;
    std::string_view from_bare, to_bare;
    StanzaType type;
    std::optional<OfSession> session = {};  ///< none between servers
  };
  Candidates candidates(const Question& question) const;

  /// Whether one of the candidates asks what the stanza carries.
  bool ask_for_payload(const Candidates& candidates) const;
  /// Takes out those that ask for payloads none of which is among `present` (places in Tables::payloads).
  void keep_with_payload(Candidates& candidates, std::span<const std::uint16_t> present) const;

  /// The place of a name in Tables::payloads.
  std::optional<std::uint16_t> payload(std::string_view ns, std::string_view name) const;

  /// Whether any rule asks for labels.
  bool ask_for_label() const { return asks_for_label_; }
  bool empty() const { return arms_.empty(); }
  /// Domains with one number are alike to all rules.
  std::uint32_t class_from(std::uint16_t domain) const { return from_[domain].row; }
  std::uint32_t class_to(std::uint16_t domain) const { return to_[domain].row; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  struct DomainRow {
    std::uint32_t row = 0;
    bool has_lists = false;  ///< some rule names single addresses of it
  };
  /// A name to look for, without a copy.
  struct PayloadView {
    std::string_view ns, name;
  };
  struct PayloadHash {
    using is_transparent = void;
    std::size_t operator()(const auto& of) const { return Hash{}(of.ns) * 31 + Hash{}(of.name); }
  };
  struct PayloadEqual {
    using is_transparent = void;
    bool operator()(const auto& one, const auto& other) const { return one.ns == other.ns && one.name == other.name; }
  };
  using Payloads = std::unordered_map<PayloadName, std::uint16_t, PayloadHash, PayloadEqual>;
  using Addresses = std::unordered_map<std::string, std::vector<std::uint16_t>, Hash, std::equal_to<>>;

  class Builder;
  void add_lists(Word* words, std::string_view bare, const std::vector<std::uint32_t>& list_rows) const;
  const Word* row(std::uint32_t number) const { return rows_.data() + std::size_t{number} * words_; }

  bool asks_for_label_ = false;
  std::size_t words_ = 0;
  std::vector<std::uint16_t> arms_;  ///< rule of each bit
  std::vector<Word> rows_;
  std::vector<DomainRow> from_, to_;                ///< of each domain
  Addresses addresses_;                             ///< bare address -> the lists that have it
  std::vector<std::uint32_t> list_from_, list_to_;  ///< row of each list
  std::array<std::uint32_t, kStanzaTypes> types_{};
  bool asks_for_login_ = false;
  std::uint32_t between_servers_ = 0;
  std::vector<std::uint32_t> to_server_, to_client_;  ///< row of each login
  std::uint32_t without_payload_ = 0;
  std::vector<std::uint32_t> payload_rows_;
  Payloads payloads_;
};

}  // namespace sallyport::policy
