// Label policies cut into parts that have nothing to do with each other, so that each can be looked at alone.
//
// Values belong to one part if a rule of their SPIF speaks of both, if they stand in one tag that counts its values or
// of which one is enough, or if a translation makes one of the other. So a label is valid, has a translation, and is
// covered by a clearance exactly if that is so of each part of it; and what it becomes is what its parts become.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "policy/label_rules.h"

namespace sallyport::policy::proof {

class Parts {
 public:
  /// Of these policies, between which labels are translated. The rules outlive this.
  Parts(const LabelRules& rules, const std::vector<std::uint16_t>& policies);

  /// Values with one number are in one part.
  std::size_t of(std::uint16_t policy, label::CatNumber value) const { return root(place(policy, value)); }
  /// The rules as if there were no values but those of that part: labels and clearances without the others, classes
  /// that ask for none of them. No holders and no first lines.
  std::expected<std::shared_ptr<const LabelRules>, std::string> world(std::size_t part) const;

 private:
  std::size_t root(std::size_t place) const;
  void join(std::size_t a, std::size_t b);
  std::size_t place(std::uint16_t policy, label::CatNumber value) const { return first_.at(policy) + value; }
  /// All places that some references lead to.
  std::vector<std::size_t> places(std::uint16_t policy, const std::vector<label::CatRef>& refs) const;
  std::vector<std::size_t> places(const std::vector<label::ForeignRef>& refs) const;
  void join_all(const std::vector<std::size_t>& places);
  void join_rules(std::uint16_t policy);
  void join_tags(std::uint16_t policy);
  void join_translated(std::uint16_t policy);
  void join_added(std::uint16_t policy);

  bool is_in(std::size_t part, std::uint16_t policy, const label::CatKey& key) const;
  label::Spif cut(std::size_t part, std::uint16_t policy) const;
  void cut(std::size_t part, std::vector<label::ForeignRequire>& required) const;

  const LabelRules& rules_;
  std::map<std::uint16_t, std::size_t> first_;  // policy -> place of its first value
  std::vector<std::size_t> above_;              // place -> another of its part, or itself
};

}  // namespace sallyport::policy::proof
