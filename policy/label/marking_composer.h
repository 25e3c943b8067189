// The parts that a marking is put together from. For marking*.cc and read_marking.cc only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/label/decide.h"
#include "policy/label/marking.h"

namespace sallyport::policy::label {

/// Composes the markings of one policy at one place in one language (labels.md 7). What is given outlives it.
class MarkingComposer {
 public:
  MarkingComposer(const Policy& policy, Place place, std::string_view lang, const Options& options)
      : policy_(policy), place_(code(place)), lang_(lang), options_(options) {}

  std::string compose(const Resolved& label, const std::vector<std::string>& privacy_marks) const;

  // What compose() joins.
  std::string policy_text(const Resolved& label) const;
  /// With what stands around it; "" if the class is not shown.
  std::string class_text(Number classification) const;
  /// With what stands around it; "" if the value is not shown.
  std::string value_text(CatNumber category) const;

  /// What stands before, after and between the parts of something.
  struct Frame {
    std::string_view prefix, suffix, separator;
  };
  Frame frame() const { return frame(policy_.spif().markings.qualifiers, " "); }
  Frame frame_of_tag(Number tag) const { return frame(policy_.tag_at(tag).qualifiers, "/"); }

 private:
  Frame frame(const std::vector<Qualifier>& qualifiers, std::string_view separator) const;
  bool applies(const MarkingData& data) const;
  std::string text(const std::string& name, const Markings& markings) const;
  std::string_view qualifier(const std::vector<Qualifier>& qualifiers, QualifierCode wanted,
                             std::string_view fallback) const;
  std::string wrapped(const std::vector<Qualifier>& qualifiers, const std::string& inner) const;
  std::optional<std::string> replacement(const std::string& name, const Markings& markings) const;
  bool suppresses(const Markings& markings) const;
  bool is_class_suppressed(const Resolved& label) const;
  std::string tag_text(const Resolved& label, Number tag) const;

  const Policy& policy_;
  Codes place_;
  std::string_view lang_;
  const Options& options_;
};

}  // namespace sallyport::policy::label
