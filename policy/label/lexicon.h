// The policies at hand when labels are read: what names and numbers mean.
#pragma once

#include <span>
#include <string_view>

#include "policy/label/ess.h"
#include "policy/label/policy.h"

namespace sallyport::policy::label {

/// A view; the policies outlive it. Their identifiers and names differ.
class Lexicon {
 public:
  explicit Lexicon(std::span<const Policy* const> policies, NameCase names = NameCase::Ignore)
      : policies_(policies), names_(names) {}

  NameCase names() const { return names_; }
  /// nullptr if none of them.
  const Policy* policy(const Oid& id) const;
  const Policy* policy_named(std::string_view name) const;
  /// What ESS octets alone do not say.
  TagSetFacts facts() const;

 private:
  std::span<const Policy* const> policies_;
  NameCase names_;
};

}  // namespace sallyport::policy::label
