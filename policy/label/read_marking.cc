#include "policy/label/read_marking.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "policy/label/marking_composer.h"

namespace sallyport::policy::label {
namespace {

constexpr std::size_t kMostSteps = 200'000;  // of the search for one marking
constexpr std::size_t kMostHidden = 10;      // values that are not shown, of which every choice is tried

class MarkingReader {
 public:
  MarkingReader(const Policy& policy, std::string_view text, const MarkingComposer& composer, Time now,
                const Options& options)
      : policy_(policy), text_(text), composer_(composer), now_(now), options_(options) {
    for (CatNumber n = 0; n < policy.category_count(); ++n) {
      values_.push_back(composer.value_text(n));
      if (values_.back().empty()) hidden_.push_back(n);
    }
    tags_.resize(policy.spif().tags.size());
    for (CatNumber n = 0; n < policy.category_count(); ++n) tags_[policy.tag_of(n)].push_back(n);
    if (hidden_.size() > kMostHidden) {
      hidden_.resize(kMostHidden);
      found_.is_complete = false;
    }
  }

  MarkedLabels run() && {
    const MarkingComposer::Frame around = composer_.frame();
    if (!text_.starts_with(around.prefix) || !text_.ends_with(around.suffix) ||
        text_.size() < around.prefix.size() + around.suffix.size())
      return std::move(found_);
    inner_ = text_.substr(around.prefix.size(), text_.size() - around.prefix.size() - around.suffix.size());
    separator_ = around.separator;
    for (Number c = 0; c < policy_.spif().classes.size(); ++c) {
      candidate_ = {.classification = c, .categories = {}};
      for (const std::string& first : policy_texts(c))
        if (inner_.starts_with(first)) after_policy(first.size());
    }
    return std::move(found_);
  }

 private:
  /// What the marking of a label with that class may begin with.
  std::set<std::string> policy_texts(Number classification) const {
    Resolved one{.classification = classification, .categories = {}};
    std::set<std::string> texts = {composer_.policy_text(one)};
    for (CatNumber n = 0; n < policy_.category_count(); ++n) {
      one.categories = {n};
      texts.insert(composer_.policy_text(one));
    }
    return texts;
  }

  bool may_go_on() {
    if (++steps_ <= kMostSteps) return true;
    found_.is_complete = false;
    return false;
  }

  void after_policy(std::size_t at) {
    tags_from(0, at);  // the class may be suppressed
    part(composer_.class_text(candidate_.classification), at, [this](std::size_t end) { tags_from(0, end); });
  }

  /// A part that is not empty, after what separates it from the parts before.
  template <class Then>
  void part(std::string_view what, std::size_t at, Then then) {
    if (what.empty()) return;
    if (at > 0) {
      if (!inner_.substr(at).starts_with(separator_)) return;
      at += separator_.size();
    }
    if (inner_.substr(at).starts_with(what)) then(at + what.size());
  }

  void tags_from(Number tag, std::size_t at) {
    if (!may_go_on()) return;
    if (tag == tags_.size()) {
      if (at == inner_.size()) take();
      return;
    }
    tags_from(tag + 1, at);
    const MarkingComposer::Frame frame = composer_.frame_of_tag(tag);
    for (std::size_t first = 0; first < tags_[tag].size(); ++first) {
      const std::string& value = values_[tags_[tag][first]];
      if (!value.empty())
        part(std::string(frame.prefix) + value, at, [&](std::size_t end) { value_taken(tag, first, end, frame); });
    }
  }

  /// The value at `place` of the tag has been read: another one follows, or the tag ends.
  void value_taken(Number tag, std::size_t place, std::size_t at, const MarkingComposer::Frame& frame) {
    if (!may_go_on()) return;
    candidate_.categories.push_back(tags_[tag][place]);
    const std::string_view rest = inner_.substr(at);
    if (rest.starts_with(frame.suffix)) tags_from(tag + 1, at + frame.suffix.size());
    if (rest.starts_with(frame.separator)) {
      for (std::size_t next = place + 1; next < tags_[tag].size(); ++next) {
        const std::string& value = values_[tags_[tag][next]];
        if (!value.empty() && rest.substr(frame.separator.size()).starts_with(value))
          value_taken(tag, next, at + frame.separator.size() + value.size(), frame);
      }
    }
    candidate_.categories.pop_back();
  }

  /// What is shown is as it should be; which of the values that are not shown may be there as well?
  void take() {
    for (std::size_t choice = 0; choice < std::size_t{1} << hidden_.size() && may_go_on(); ++choice) {
      Resolved whole = candidate_;
      for (std::size_t i = 0; i < hidden_.size(); ++i)
        if ((choice >> i & 1U) != 0) whole.categories.push_back(hidden_[i]);
      std::ranges::sort(whole.categories);
      if (composer_.compose(whole, {}) == text_) keep(whole);
    }
  }

  void keep(const Resolved& resolved) {
    Label label;
    label.policy = policy_.id();
    label.classification = policy_.class_at(resolved.classification).lacv;
    for (const CatNumber number : resolved.categories) label.categories.push_back(policy_.key(number));
    label.settle();
    if (!validate(policy_, label, now_, options_) || std::ranges::find(found_.labels, label) != found_.labels.end())
      return;
    if (found_.labels.size() == kMostMarkedLabels) {
      found_.is_complete = false;
      steps_ = kMostSteps;
    } else {
      found_.labels.push_back(std::move(label));
    }
  }

  const Policy& policy_;
  std::string_view text_, inner_, separator_;
  const MarkingComposer& composer_;
  Time now_;
  const Options& options_;
  std::vector<std::string> values_;           // by category
  std::vector<std::vector<CatNumber>> tags_;  // the categories of each
  std::vector<CatNumber> hidden_;
  Resolved candidate_;
  MarkedLabels found_;
  std::size_t steps_ = 0;
};

}  // namespace

MarkedLabels read_marking(const Policy& policy, std::string_view text, Place place, std::string_view lang, Time now,
                          const Options& options) {
  const MarkingComposer composer(policy, place, lang, options);
  return MarkingReader(policy, text, composer, now, options).run();
}

}  // namespace sallyport::policy::label
