// The shadow policy: a second bundle that is judged beside the one in force and never acts.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/pipeline.h"
#include "proxy/guard/moment.h"

namespace sallyport::guard {

/// Judges what its lane judges, by the same memory, which it only reads: what it would have let cross earlier, or kept
/// from crossing, it does not know. It is asked about so many stanzas a second and no more, so its cost is bounded.
/// `resource_key`: as policy::Scratch; the lane's, so that hidden resources have the same names for both.
class Shadow {
 public:
  Shadow(std::shared_ptr<const policy::Bundle> bundle, const policy::Memory& memory, std::uint32_t per_second,
         std::string_view resource_key);

  /// One stanza as the policy in force has judged it.
  struct Judged {
    std::string_view normal_form;
    const policy::Crossing& crossing;
    const policy::Judgement& judgement;
    const inspect::Node& node;  ///< as it would leave
  };
  /// What the shadow makes of it, if that is something else: "bounce label.classification", and the rule; else "".
  /// Something else is: it crosses or it does not, or it crosses with other content. `other` is a tree of the same
  /// stanza as it came, which is edited.
  std::string compare(const Judged& judged, inspect::Node& other, const Moment& now);

  struct Counts {
    std::uint64_t judged = 0;
    std::uint64_t crosses = 0, refused = 0, otherwise = 0;  ///< of those: newly crosses, newly refused, other content
    std::uint64_t skipped = 0;                              ///< beyond its rate

    bool empty() const { return judged == 0 && skipped == 0; }
    void add(const Counts& other);
  };
  const policy::Bundle& bundle() const { return *bundle_; }
  /// Since it was made.
  Counts total() const;
  /// What was counted since the last call: the counts, and how often each reason made a difference. Empty: nothing.
  std::vector<std::pair<std::string, std::string>> take_news();

 private:
  bool may_judge(Steady now);
  /// Its own login of a client's session; nullptr if it has none.
  const policy::Login* login(const policy::Crossing& crossing) const;

  const std::shared_ptr<const policy::Bundle> bundle_;
  policy::Scratch scratch_;
  const std::uint32_t per_second_;
  Steady second_{};
  std::uint32_t in_second_ = 0;
  Counts before_, now_;
  std::map<policy::Reason, std::uint64_t> reasons_;  ///< since take_news()
};

}  // namespace sallyport::guard
