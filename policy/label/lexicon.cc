#include "policy/label/lexicon.h"

namespace sallyport::policy::label {
namespace {

/// The one enumerated kind of a tag set.
std::optional<TagKind> enumerated_kind(const Policy& policy, const Oid& tag_set) {
  const auto number = policy.tag_set_number(tag_set);
  if (!number) return std::nullopt;
  std::optional<TagKind> found;
  for (const Tag& tag : policy.spif().tags) {
    const bool enumerated = tag.kind == TagKind::RestrictiveEnum || tag.kind == TagKind::PermissiveEnum;
    if (tag.tag_set != *number || !enumerated) continue;
    if (found && *found != tag.kind) return std::nullopt;
    found = tag.kind;
  }
  return found;
}

bool informative_bits(const Policy& policy, const Oid& tag_set) {
  const auto number = policy.tag_set_number(tag_set);
  if (!number) return false;
  for (const Tag& tag : policy.spif().tags)
    if (tag.tag_set == *number && tag.kind == TagKind::Informative) return tag.encoding == InfoEncoding::BitSet;
  return false;
}

}  // namespace

const Policy* Lexicon::policy(const Oid& id) const {
  for (const Policy* each : policies_)
    if (each->id() == id) return each;
  return nullptr;
}

const Policy* Lexicon::policy_named(std::string_view name) const {
  const std::string wanted = names_ == NameCase::Ignore ? folded(name) : std::string(name);
  for (const Policy* each : policies_)
    if ((names_ == NameCase::Ignore ? folded(each->spif().name) : each->spif().name) == wanted) return each;
  return nullptr;
}

TagSetFacts Lexicon::facts() const {
  return {.enumerated_kind = [*this](const Oid& id, const Oid& tag_set) -> std::optional<TagKind> {
            const Policy* of = policy(id);
            return of ? enumerated_kind(*of, tag_set) : std::nullopt;
          },
          .informative_bits =
              [*this](const Oid& id, const Oid& tag_set) {
                const Policy* of = policy(id);
                return of && informative_bits(*of, tag_set);
              }};
}

}  // namespace sallyport::policy::label
