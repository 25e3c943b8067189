#include "policy/label/catalog.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/label/xep0258.h"

namespace sallyport::policy::label {
namespace {

using inspect::Node;

constexpr std::array<std::string_view, 7> kCatalogAttributes = {"desc", "from", "id", "name", "restrict", "size", "to"};

bool is_white_space(const Node& text) {
  return text.text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

/// Equal for labels of the same meaning, and for no others.
std::string meaning(const Label& label) {
  std::string octets;
  inspect::OctetWriter writer(octets);
  writer.field(label.policy);
  writer.field(label.classification);
  writer.field(label.categories);
  writer.field(label.empty);
  return octets;
}

bool is_true(const Node& node, std::string_view attribute) {
  const auto* value = node.attribute(attribute);
  return value && (*value == "true" || *value == "1");
}

class CatalogFilter {
 public:
  CatalogFilter(Node& catalog, const CatalogRules& rules, const JudgeItem& judge, inspect::Arena& arena)
      : catalog_(catalog), rules_(rules), judge_(judge), editor_(arena), arena_(arena) {}

  CatalogOutcome run() {
    if (!catalog_.is(kCatalogNs, "catalog")) return CatalogOutcome::Malformed;
    for (Node* child = catalog_.first_child; child; child = child->next)
      if (!take(*child)) return CatalogOutcome::Malformed;
    mend_defaults();
    mend_selectors();
    write_items();
    write_attributes();
    return changed_ ? CatalogOutcome::Changed : CatalogOutcome::Unchanged;
  }

 private:
  /// False if the catalog is malformed.
  bool take(Node& child) {
    if (child.is_text()) return is_white_space(child);
    if (!child.is(kCatalogNs, "item") || ++seen_ > kMostCatalogItems) return false;
    const Node* labelled = nullptr;
    for (const Node& inside : child.children()) {
      if (inside.is_text() ? !is_white_space(inside) : labelled || !inside.is(kSecLabelNs, "securitylabel"))
        return false;
      if (!inside.is_text()) labelled = &inside;
    }
    if (!labelled) {
      keep_if(child, rules_.unlabelled && !std::exchange(any_unlabelled_, true));
      return true;
    }
    const auto item = judge_(*labelled);
    if (!item) {
      changed_ = true;
      return true;
    }
    const bool is_new = meanings_.insert(meaning(item->label)).second;
    keep_if(child, is_new);
    if (!is_new) return true;
    changed_ = changed_ || !same_tree(*labelled, *item->securitylabel);
    child.first_child = item->securitylabel;
    return true;
  }

  void keep_if(Node& item, bool keep) {
    if (keep) kept_.push_back(&item);
    changed_ = changed_ || !keep;
  }

  /// I25: at most one default, and where there were more, none counts.
  void mend_defaults() {
    if (std::ranges::count_if(kept_, [](const Node* item) { return is_true(*item, "default"); }) <= 1) return;
    for (Node* item : kept_) editor_.remove_attribute(*item, "default");
    changed_ = true;
  }

  /// I28: a selector on all items, or on none.
  void mend_selectors() {
    const auto with = std::ranges::count_if(kept_, [](const Node* item) { return item->attribute("selector"); });
    if (with == 0 || with == static_cast<std::ptrdiff_t>(kept_.size())) return;
    for (Node* item : kept_) editor_.remove_attribute(*item, "selector");
    changed_ = true;
  }

  void write_items() {
    editor_.remove_children(catalog_);
    for (Node* item : kept_) {
      keep_attributes(*item, std::array<std::string_view, 2>{"default", "selector"});
      item->next = nullptr;
      if (item->first_child && item->first_child->is_text()) item->first_child = nullptr;
      editor_.append(catalog_, *item);
    }
  }

  void write_attributes() {
    keep_attributes(catalog_, kCatalogAttributes);
    if (rules_.restrict && !is_true(catalog_, "restrict")) {
      editor_.set_attribute(catalog_, "restrict", "true");
      changed_ = true;
    }
    const std::string size = std::to_string(kept_.size());
    if (const auto* told = catalog_.attribute("size"); told && *told != size) {
      editor_.set_attribute(catalog_, "size", arena_.copy(size));
      changed_ = true;
    }
    // I27: the id names the content, so that whoever keeps catalogs can tell that one is new.
    if (changed_) editor_.remove_attribute(catalog_, "id");
  }

  template <std::size_t N>
  void keep_attributes(Node& node, const std::array<std::string_view, N>& names) {
    const auto rest = std::ranges::remove_if(node.attributes, [&](const inspect::Attribute& attribute) {
      return !attribute.ns.empty() || std::ranges::find(names, attribute.name) == names.end();
    });
    changed_ = changed_ || !rest.empty();
    node.attributes = node.attributes.first(node.attributes.size() - rest.size());
  }

  Node& catalog_;
  const CatalogRules& rules_;
  const JudgeItem& judge_;
  inspect::TreeEditor editor_;
  inspect::Arena& arena_;
  std::vector<Node*> kept_;
  std::set<std::string> meanings_;
  std::size_t seen_ = 0;
  bool any_unlabelled_ = false;
  bool changed_ = false;
};

}  // namespace

CatalogOutcome filter_catalog(Node& catalog, const CatalogRules& rules, const JudgeItem& judge, inspect::Arena& arena) {
  return CatalogFilter(catalog, rules, judge, arena).run();
}

}  // namespace sallyport::policy::label
