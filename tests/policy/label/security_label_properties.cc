#include "inspect/normal_form.h"
#include "policy/label/catalog.h"
#include "policy/label/decide.h"
#include "policy/label/xep0258.h"
#include "tests/policy/label/properties.h"
#include "tests/policy/label/sample_policies.h"

namespace sallyport::policy::label::testing {
namespace {

using inspect::Node;

std::string written_fault(const Node& element, inspect::Arena& arena) {
  const auto read = decode_label(element, sample_lexicon(), ber::Rules::Ber);
  if (!read) return "";
  const Policy* policy = sample_lexicon().policy(read->label.policy);
  if (!policy) return read->label.format == Format::Stanag4774 ? "a label in names of nobody's" : "";
  const bool valid = validate(*policy, read->label, summer(), {}).has_value();
  for (const Format format : {Format::Ess, Format::Missi, Format::Stanag4774}) {
    const Node* made =
        encode_label(read->label, format, LabelRole::Originator, read->created, *policy, sample_lexicon(), arena);
    if (!made) {
      if (valid && format == read->label.format) return "a valid label that cannot be written as it came";
      continue;
    }
    const auto again = decode_label(*made, sample_lexicon(NameCase::Exact), ber::Rules::Der);
    if (!again) return "what was written cannot be read";
    if (!same_meaning(again->label, read->label)) return "what was written means something else";
    if (again->label.privacy_marks != read->label.privacy_marks) return "what was written has another privacy mark";
  }
  return "";
}

std::string label_fault(const Node& element, inspect::Arena& arena) {
  const auto parts = read_security_label(element);
  if (!parts) return "";
  if (parts->equivalents.size() > kMostEquivalents) return "more equivalents than there may be";
  if (parts->label)
    if (std::string fault = written_fault(*parts->label, arena); !fault.empty()) return fault;
  for (const Node* equivalent : parts->equivalents)
    if (std::string fault = written_fault(*equivalent, arena); !fault.empty()) return fault;
  return "";
}

std::string catalog_fault(Node& catalog, inspect::Arena& arena) {
  const JudgeItem judge = [&arena](const Node& element) -> std::optional<CatalogItem> {
    const auto parts = read_security_label(element);
    if (!parts || !parts->label) return std::nullopt;
    const auto read = decode_label(*parts->label, sample_lexicon(), ber::Rules::Ber);
    if (!read) return std::nullopt;
    return CatalogItem{read->label, inspect::TreeEditor(arena).copy(element)};
  };
  if (filter_catalog(catalog, {}, judge, arena) == CatalogOutcome::Malformed) return "";
  if (filter_catalog(catalog, {}, judge, arena) != CatalogOutcome::Unchanged)
    return "a catalog that was cut is cut again";
  return "";
}

}  // namespace

std::string security_label_fault(std::string_view normal_form) {
  inspect::Arena arena;
  const auto element = inspect::decode(normal_form, arena, inspect::ParserLimits{});
  if (!element) return "";
  if ((*element)->is(kCatalogNs, "catalog")) return catalog_fault(**element, arena);
  return label_fault(**element, arena);
}

}  // namespace sallyport::policy::label::testing
