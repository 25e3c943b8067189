// One run over a SPIF. For the files of this folder only.
#pragma once

#include <deque>
#include <string>
#include <tuple>
#include <vector>

#include "policy/source/spif/walk.h"

namespace sallyport::policy::source::spif {

/// First what there is, then what refers to it: classes stand in the file before the tag sets that they name.
class Loader {
 public:
  Loader(const std::string& file, Reading how) : walk_(file, how) {}

  label::Spif run(const Element& root);
  Walk& walk() { return walk_; }
  std::vector<Lead>& leads() { return leads_; }

 private:
  struct CategoryAt {
    const Element* element;
    std::size_t tag, place;  // in spif_.tags
  };

  // load.cc: what there is
  bool is_supported(const Element& root);
  void read_root(const Element& root);
  void read_equivalent_policies(const Element& root);
  void read_classes(const Element& root);
  void read_tag_sets(const Element& root);
  void read_tag(const Element& e, std::uint32_t set);
  void read_category(const Element& e, bool applicable);
  void check_tag(const Element& e, const label::Tag& tag);
  void read_privacy_marks(const Element& root);
  void check_unique();

  // refer.cc: what refers to it
  void read_class_rules();
  void read_category_rules();
  void read_equivalence_rules();
  std::optional<label::Lacv> class_named(const Element& at, const std::string& name);
  std::vector<label::Require> requirements(const Element& holder);
  std::vector<label::ForeignRequire> foreign_requirements(const Element& holder, std::uint32_t policy);
  std::optional<label::ForeignRef> reference(const Element& e);
  std::optional<label::CatRef> own_reference(const Element& e);
  std::optional<std::uint32_t> policy_ref(const Element& e);
  std::optional<label::CatEquivalent> category_equivalent(const Element& e, const label::Tag& tag);

  // doubts.cc: what is legal, but hardly meant
  void warn();
  void warn_of_contradictions();
  void warn_of_gaps();

  Walk walk_;
  label::Spif spif_;
  std::vector<Lead> leads_;
  std::vector<const Element*> classes_, tag_sets_, equivalent_policies_;  // as in spif_
  std::deque<CategoryAt> categories_;
};

/// The children of that name in the namespace of SPIFs.
std::vector<const Element*> children(const Element& e, std::string_view name);
const Element* child(const Element& e, std::string_view name);

}  // namespace sallyport::policy::source::spif
