// Labels that have been judged, by the octets of the element: the same few labels cross again and again.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "policy/label/spif.h"

namespace sallyport::policy {

struct JudgedLabel;
class LabelRules;

/// One per lane, not shared.
class LabelCache {
 public:
  static constexpr std::size_t kMostEntries = 1024;
  static constexpr std::size_t kMostOctets = 4 * 1024 * 1024;  ///< of keys and of what is written

  /// Forgets all that was judged by other rules.
  void follow(const std::shared_ptr<const LabelRules>& rules);
  std::shared_ptr<const JudgedLabel> find(std::string_view key, label::Time now) const;
  void keep(std::string_view key, const std::shared_ptr<const JudgedLabel>& judged);
  /// For making keys: emptied by whoever uses it.
  std::string& room() { return room_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
  };
  std::shared_ptr<const LabelRules> rules_;
  std::unordered_map<std::string, std::shared_ptr<const JudgedLabel>, Hash, std::equal_to<>> entries_;
  std::size_t octets_ = 0;
  std::string room_;
};

}  // namespace sallyport::policy
