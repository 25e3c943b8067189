// The error child of a stanza (RFC 6120 8.3.2, protocol.md 5.3): one condition of the standard, and what may leak taken
// out.
#include "inspect/errors.h"
#include "inspect/names.h"
#include "policy/stage.h"

namespace sallyport::policy {
namespace {

using inspect::Attribute;
using inspect::Node;
namespace ns = inspect::ns;

bool is_condition(const Node& child) {
  return child.ns == ns::kStanzaErrors && !child.is_text() && child.name != "text";
}

/// The condition alone; new addresses in <gone/> and <redirect/> would lead around the guard (protocol.md T-05).
void settle_condition(Run& run, Node& condition) {
  const bool attributes_went = keep_attributes(condition, [](const Attribute&) { return false; });
  const bool children_went = keep_children(condition, [](const Node&) { return false; });
  if (attributes_went || children_went) run.findings.add(Reason::ShapeErrorStripped);

  const bool full = run.bundle.settings().transparency == Transparency::Full;
  if (full || inspect::stanza_condition(condition.name)) return;
  condition.name = inspect::name(inspect::StanzaCondition::UndefinedCondition);
  run.findings.add(Reason::ShapeErrorCondition);
}

/// Keeps the condition; in full transparency also one text and one condition of an application.
bool strip_children(Node& error, bool full) {
  std::size_t texts = 0;
  std::size_t applications = 0;
  return keep_children(error, [&](const Node& child) {
    if (is_condition(child)) return true;
    if (!full || child.is_text()) return false;
    if (child.is(ns::kStanzaErrors, "text")) return ++texts == 1 && !child.has_child_elements();
    return child.ns != ns::kContent && ++applications == 1;
  });
}

}  // namespace

Objection error_shape(Run& run, Node& error) {
  const auto* type = error.attribute("type");
  if (!type || !inspect::error_type(*type)) return Reason::ShapeErrorMalformed;

  const bool full = run.bundle.settings().transparency == Transparency::Full;
  const bool attributes_went =
      keep_attributes(error, [](const Attribute& a) { return a.ns.empty() && a.name == "type"; });
  if (strip_children(error, full) || attributes_went) run.findings.add(Reason::ShapeErrorStripped);

  Node* condition = nullptr;
  for (Node* child = error.first_child; child; child = child->next) {
    if (!is_condition(*child)) continue;
    if (condition) return Reason::ShapeErrorMalformed;
    condition = child;
  }
  if (!condition) return Reason::ShapeErrorMalformed;
  settle_condition(run, *condition);
  return std::nullopt;
}

}  // namespace sallyport::policy
