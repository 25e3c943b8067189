// The label tables of a bundle with everything looked up in them at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/label/decide.h"
#include "policy/label/lexicon.h"
#include "policy/label/translate.h"
#include "policy/label_tables.h"

namespace sallyport::policy {

inline constexpr std::size_t kMostLabelRows = 0xFFFF;  ///< of each table

/// Immutable and consistent: numbers lead somewhere, named labels are valid in form, every holder has at most one
/// clearance for each policy. Numbers of policies, labels and clearances are those of the tables.
class LabelRules {
 public:
  /// Why not, in words, if the tables are not consistent. `enclaves` is the number of enclaves of the bundle.
  static std::expected<std::shared_ptr<const LabelRules>, std::string> make(const LabelTables& tables,
                                                                            std::size_t enclaves);

  /// Nothing is said about labels at all.
  bool empty() const { return policies_.empty(); }
  const LabelTables& tables() const { return tables_; }
  const label::Lexicon& lexicon() const { return *lexicon_; }
  label::ber::Rules encoding() const { return tables_.der_only ? label::ber::Rules::Der : label::ber::Rules::Ber; }

  const label::Policy& policy(std::uint16_t number) const { return policies_[number]; }
  const LabelPolicy& row(std::uint16_t policy) const { return tables_.policies[policy]; }
  const label::Options& options(std::uint16_t policy) const { return row(policy).options; }
  std::optional<std::uint16_t> policy_number(const label::Oid& id) const;
  const label::Label& label(std::uint16_t number) const { return tables_.labels[number].label; }
  const label::Clearance& clearance(std::uint16_t number) const { return tables_.clearances[number].clearance; }
  const EnclaveLabels& enclave(std::uint16_t number) const { return tables_.enclaves[number]; }
  /// nullptr if nothing is said about it. Does not allocate.
  const LabelHolder* holder(std::string_view address) const;
  /// The one of these clearances that is under the policy.
  std::optional<std::uint16_t> clearance_under(const std::vector<std::uint16_t>& clearances,
                                               std::uint16_t policy) const;
  const LabelTranslation* translation(std::uint16_t from, std::uint16_t to) const;
  /// The label that an enclave's first lines know by this marking.
  std::optional<std::uint16_t> label_of_first_line(std::uint16_t enclave, std::string_view line) const;

  LabelRules(const LabelRules&) = delete;
  LabelRules& operator=(const LabelRules&) = delete;

 private:
  LabelRules() = default;

  LabelTables tables_;
  std::vector<label::Policy> policies_;
  std::vector<const label::Policy*> views_;        // of policies_
  std::unique_ptr<const label::Lexicon> lexicon_;  // over views_
  std::vector<std::map<std::string, std::uint16_t, std::less<>>> first_lines_;
};

/// A label looked up in its policy, whether it is valid or not; nullopt if there is something in it that the policy
/// does not know.
std::optional<label::Resolved> look_up(const label::Policy& policy, const label::Label& label);

/// By the SPIF that the table names.
std::expected<label::Translation, label::Refusal> translate(const LabelRules& rules, const LabelTranslation& table,
                                                            const label::Label& label, label::Time now);

}  // namespace sallyport::policy
