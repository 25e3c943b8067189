#include "policy/label_judge.h"

#include <algorithm>
#include <utility>

#include "inspect/normal_form.h"
#include "policy/label/marking.h"
#include "policy/label/named_values.h"
#include "policy/label/translate.h"
#include "policy/label/xep0258.h"
#include "policy/label_path.h"

namespace sallyport::policy {
namespace {

using inspect::Node;
using label::Format;
using label::Label;
using label::LabelRole;
using label::ReadLabel;

/// How long the time of creation may stand still in a label that the guard makes.
constexpr auto kCreationHolds = std::chrono::minutes(1);

/// A label is not what it would have to be.
struct Failure {
  Reason reason = Reason::LabelUnusable;
  std::string detail = {};
};

Reason reason_of_misreading(label::Misreading misreading) {
  switch (misreading) {
    case label::Misreading::Malformed:
      return Reason::LabelMalformed;
    case label::Misreading::UnknownFormat:
      return Reason::LabelUnusable;
    case label::Misreading::UnknownCategorySyntax:
      return Reason::LabelUnknownCategorySyntax;
    case label::Misreading::UnknownPolicy:
      return Reason::LabelPolicy;
    case label::Misreading::PolicyConflict:
      return Reason::LabelPolicyConflict;
    case label::Misreading::UnknownClassification:
      return Reason::LabelUnknownClassification;
    case label::Misreading::UnknownTagSet:
      return Reason::LabelUnknownTagset;
    case label::Misreading::UnknownCategory:
      return Reason::LabelUnknownCategory;
  }
  return Reason::LabelUnusable;
}

/// Judges one label and gathers what it finds.
class Judging {
 public:
  Judging(const LabelRules& rules, const PeeringLabels& peering, const LabelWay& way, label::Time now, LabelDepth depth)
      : rules_(rules),
        peering_(peering),
        way_(way),
        now_(now),
        depth_(depth),
        made_(std::make_shared<JudgedLabel>()),
        arena_(4096) {}

  std::shared_ptr<const JudgedLabel> run(const LabelOrigin& origin) {
    if (const auto failure = origin.element ? of_element(*origin.element) : of_named(origin.named)) {
      made_->objection = failure->reason;
      made_->detail = failure->detail;
    }
    return made_;
  }

 private:
  using Problem = std::optional<Failure>;

  static Failure invalid(const label::Refusal& refusal) { return {reason_of(refusal.cause), refusal.text()}; }

  void hold_as_long_as(std::uint16_t policy) {
    const label::SteadySpan span = rules_.policy(policy).steady(now_);
    made_->holds.since = std::max(made_->holds.since, span.since);
    made_->holds.until = std::min(made_->holds.until, span.until);
  }

  Problem of_named(std::uint16_t number) {
    const auto wanted = governing(rules_, way_.from_enclave, way_.to_enclave);
    if (!wanted) return Failure{Reason::LabelPolicy};
    const NamedLabel& named = rules_.tables().labels[number];
    made_->text_in = text_of(rules_, named.label);
    if (named.policy == *wanted) {
      if (auto problem = accept_source(*wanted, named.label)) return problem;
    } else {
      auto translated = translate(named.policy, *wanted, named.label);
      if (!translated) return translated.error();
      if (auto problem = accept_source(*wanted, std::move(*translated))) return problem;
    }
    return to_destination(nullptr, {});
  }

  Problem of_element(const Node& element) {
    const auto parts = label::read_security_label(element);
    if (!parts) return Failure{Reason::LabelViolation};
    if (parts->marking) made_->marking_in = parts->marking->text;
    if (!parts->label) {
      // <label/> with equivalents: the default, which is the guard's to equate.
      made_->is_default = true;
      return std::nullopt;
    }
    const auto wanted = governing(rules_, way_.from_enclave, way_.to_enclave);
    if (!wanted) return Failure{Reason::LabelPolicy};
    auto primary = label::decode_label(*parts->label, rules_.lexicon(), rules_.encoding());
    if (primary) {
      primary_ = std::move(*primary);
      made_->text_in = text_of(rules_, primary_->label);
    } else {
      misreading_ = primary.error();
    }
    read_equivalents(*parts);
    if (in_conflict()) return Failure{Reason::LabelConflict};
    if (auto problem = choose_source(*wanted)) return problem;
    return to_destination(&element, *parts);
  }

  void read_equivalents(const label::SecurityLabel& parts) {
    if (primary_) equivalents_ = primary_->alternatives;
    for (const Node* element : parts.equivalents) {
      auto read = label::decode_label(*element, rules_.lexicon(), rules_.encoding());
      if (!read) continue;
      equivalents_.push_back(std::move(read->label));
      std::ranges::move(read->alternatives, std::back_inserter(equivalents_));
    }
    if (!parts.equivalents.empty() || !equivalents_.empty()) made_->findings.add(Reason::LabelEquivalentsDropped);
  }

  /// Two labels under one policy that mean different things: somebody is lying to somebody.
  bool in_conflict() const {
    std::vector<const Label*> all;
    if (primary_) all.push_back(&primary_->label);
    for (const Label& each : equivalents_) all.push_back(&each);
    for (std::size_t i = 0; i < all.size(); ++i)
      for (std::size_t j = i + 1; j < all.size(); ++j)
        if (all[i]->policy == all[j]->policy && !label::same_meaning(*all[i], *all[j])) return true;
    return false;
  }

  /// labels.md 11.3. I31: what is there and cannot be used is refused; it is never taken for the default label.
  Problem choose_source(std::uint16_t wanted) {
    const label::Oid& id = rules_.policy(wanted).id();
    if (primary_ && primary_->label.policy == id) {
      format_ = primary_->label.format;
      created_ = primary_->created;
      return accept_source(wanted, primary_->label);
    }
    const auto translated = primary_ ? translate_foreign(primary_->label, wanted) : std::unexpected(misread());
    const auto trusted = std::ranges::find(equivalents_, id, &Label::policy);
    if (peering_.trust_equivalents && trusted != equivalents_.end()) {
      if (translated && !label::same_meaning(*translated, *trusted)) {
        if (peering_.disagreement == Disagreement::Refuse) return Failure{Reason::LabelConflict};
        made_->findings.add(Reason::LabelEquivalentDisagrees);
      }
      format_ = trusted->format;
      made_->text_in = text_of(rules_, *trusted);
      return accept_source(wanted, *trusted);
    }
    if (!translated) return translated.error();
    return accept_source(wanted, *translated);
  }

  Failure misread() const { return {reason_of_misreading(misreading_.value_or(label::Misreading::UnknownFormat))}; }

  std::expected<Label, Failure> translate_foreign(const Label& label, std::uint16_t wanted) {
    const auto number = rules_.policy_number(label.policy);
    if (!number) return std::unexpected(Failure{Reason::LabelPolicy});
    if (!admits(*number, label)) return std::unexpected(Failure{Reason::LabelUnusable});
    return translate(*number, wanted, label);
  }

  std::expected<Label, Failure> translate(std::uint16_t from, std::uint16_t to, const Label& label) {
    hold_as_long_as(from);
    hold_as_long_as(to);
    const LabelTranslation* table = rules_.translation(from, to);
    if (!table) return std::unexpected(Failure{Reason::LabelTranslation, "translation:no table"});
    auto result = policy::translate(rules_, *table, label, now_);
    if (!result) return std::unexpected(Failure{Reason::LabelTranslation, "translation:" + result.error().text()});
    if (result->widened) made_->findings.add(Reason::LabelWidened);
    made_->findings.add(Reason::LabelTranslated);
    return std::move(result->label);
  }

  /// What rbacId says. A label without categories has no category syntax.
  bool admits(std::uint16_t policy, const Label& label) const {
    const bool plain = label.format != Format::Stanag4774 && label.categories.empty() && label.empty.empty();
    return plain || rules_.policy(policy).admits(label.format);
  }

  std::expected<LabelSide, Failure> side(std::uint16_t policy, Label label) {
    hold_as_long_as(policy);
    if (!admits(policy, label)) return std::unexpected(Failure{Reason::LabelUnusable});
    auto resolved = label::validate(rules_.policy(policy), label, now_, rules_.options(policy));
    if (!resolved) return std::unexpected(invalid(resolved.error()));
    return LabelSide{policy, std::move(label), std::move(*resolved)};
  }

  Problem accept_source(std::uint16_t policy, Label label) {
    drop_unlisted_marks(policy, label);
    auto made = side(policy, std::move(label));
    if (!made) return made.error();
    made_->source = std::move(*made);
    return std::nullopt;
  }

  /// Free text is a channel: a privacy mark crosses only if the policy lists it (labels.md 5). With the strict switch
  /// an unlisted one makes the label invalid; it must see it.
  void drop_unlisted_marks(std::uint16_t policy, Label& label) const {
    if (rules_.options(policy).strict_privacy_mark) return;
    const auto& listed = rules_.policy(policy).spif().privacy_marks;
    std::erase_if(label.privacy_marks, [&](const std::string& mark) {
      return std::ranges::find(listed, mark, &label::PrivacyMark::name) == listed.end();
    });
  }

  /// Everything on the far side: the label there, its marking, and what is written.
  Problem to_destination(const Node* element, const label::SecurityLabel& parts) {
    const std::uint16_t wanted = governing(rules_, way_.to_enclave, way_.from_enclave).value_or(made_->source.policy);
    if (wanted != made_->source.policy) {
      auto translated = translate(made_->source.policy, wanted, made_->source.label);
      if (!translated) return translated.error();
      auto made = side(wanted, std::move(*translated));
      if (!made) return made.error();
      made_->translated = std::move(*made);
    }
    made_->text_out = text_of(rules_, made_->destination().label);
    if (!is_listed()) return Failure{Reason::LabelNotListed};
    if (depth_ == LabelDepth::Meaning) return std::nullopt;
    if (auto problem = mark()) return problem;
    return write(element, parts);
  }

  bool is_listed() const {
    return peering_.only.empty() || std::ranges::any_of(peering_.only, [&](std::uint16_t number) {
             return label::same_meaning(rules_.label(number), made_->source.label) ||
                    label::same_meaning(rules_.label(number), made_->destination().label);
           });
  }

  Problem mark() {
    const LabelSide& shown = made_->destination();
    const label::Policy& policy = rules_.policy(shown.policy);
    const LabelPolicy& row = rules_.row(shown.policy);
    auto text = label::marking(policy, shown.resolved, row.place, row.lang, row.options, shown.label.privacy_marks);
    auto line = label::marking(policy, shown.resolved, label::Place::FirstLineOfText, row.lang, row.options,
                               shown.label.privacy_marks);
    if (!text || !line) return Failure{Reason::LabelFormat, "the marking"};
    made_->marking = std::move(*text);
    made_->first_line = std::move(*line);
    return std::nullopt;
  }

  /// The first format that the policy admits.
  Format format_for(std::uint16_t policy, std::optional<Format> came_in) const {
    switch (peering_.format) {
      case LabelFormat::Ess:
        return Format::Ess;
      case LabelFormat::Missi:
        return Format::Missi;
      case LabelFormat::Stanag4774:
        return Format::Stanag4774;
      case LabelFormat::Same:
        break;
    }
    if (came_in && *came_in != Format::Made) return *came_in;
    for (const Format format : {Format::Ess, Format::Missi})
      if (rules_.policy(policy).admits(format)) return format;
    return Format::Stanag4774;
  }

  Node* encode(const Label& label, std::uint16_t policy, std::optional<Format> came_in, LabelRole role,
               std::optional<label::Seconds> created) {
    const Format format = format_for(policy, came_in);
    if (format == Format::Stanag4774 && !created)
      made_->holds.until = std::min<label::Time>(made_->holds.until, now_ + kCreationHolds);
    const label::Seconds time = created.value_or(std::chrono::floor<std::chrono::seconds>(now_));
    return label::encode_label(label, format, role, time, rules_.policy(policy), rules_.lexicon(), arena_);
  }

  Problem write(const Node* element, const label::SecurityLabel& parts) {
    const LabelSide& shown = made_->destination();
    // Whose label stays the primary one when the other policy's is added to it.
    const bool is_foreign = primary_ && primary_->label.policy != rules_.policy(shown.policy).id();
    const bool adds = peering_.translated == TranslatedLabel::Add && is_foreign;
    const bool kept_as_it_came = !made_->translated && format_ != Format::Made;
    Node* primary = nullptr;
    std::vector<Node*> equivalents;
    if (adds) {
      const auto number = rules_.policy_number(primary_->label.policy);
      if (!number) return Failure{Reason::LabelPolicy};
      Label kept = primary_->label;
      drop_unlisted_marks(*number, kept);
      primary = encode(kept, *number, kept.format, LabelRole::Originator, creation(kept.format, primary_->created));
      equivalents.push_back(encode(shown.label, shown.policy, std::nullopt, LabelRole::Alternative, std::nullopt));
    } else {
      primary = encode(shown.label, shown.policy, kept_as_it_came ? std::optional(format_) : std::nullopt,
                       LabelRole::Originator, kept_as_it_came ? creation(format_, created_) : std::nullopt);
    }
    if (!primary || (adds && !equivalents.front())) return Failure{Reason::LabelFormat, "the format"};
    Node* made = label::write_security_label(display_marking(shown), primary, equivalents, arena_);
    if (!reads_back(*made, adds ? primary_->label : shown.label)) return Failure{Reason::LabelFormat, "the check"};
    inspect::encode(*made, made_->written);
    if (element) compare(*element, *made, parts);
    return std::nullopt;
  }

  static std::optional<label::Seconds> creation(Format format, label::Seconds time) {
    return format == Format::Stanag4774 ? std::optional(time) : std::nullopt;
  }

  label::DisplayMarking display_marking(const LabelSide& shown) const {
    label::DisplayMarking marking{.text = made_->marking};
    const auto& classification = rules_.policy(shown.policy).class_at(shown.resolved.classification);
    if (const auto colours = label::colours(classification)) {
      marking.background = colours->background;
      marking.foreground = colours->foreground;
    }
    return marking;
  }

  /// labels.md 14, step 8: what is to leave means what was decided upon.
  bool reads_back(const Node& made, const Label& intended) const {
    const auto parts = label::read_security_label(made);
    if (!parts || !parts->label) return false;
    const auto read = label::decode_label(*parts->label, rules_.lexicon(), label::ber::Rules::Der);
    return read && label::same_meaning(read->label, intended);
  }

  /// Whether a marking is not that of the label beside it. Of a foreign label that is not known.
  bool contradicts(const label::DisplayMarking& marking) const {
    if (format_ == Format::Made) return false;
    const LabelSide& own = made_->source;
    const LabelPolicy& row = rules_.row(own.policy);
    return marking.text != label::marking(rules_.policy(own.policy), own.resolved, row.place, row.lang, row.options,
                                          own.label.privacy_marks);
  }

  void compare(const Node& came, const Node& leaves, const label::SecurityLabel& parts) {
    if (parts.marking && contradicts(*parts.marking)) made_->findings.add(Reason::LabelMarkingContradicts);
    made_->unchanged = label::same_tree(came, leaves);
    if (!made_->unchanged) made_->findings.add(Reason::LabelRewritten);
  }

  const LabelRules& rules_;
  const PeeringLabels& peering_;
  const LabelWay& way_;
  const label::Time now_;
  const LabelDepth depth_;
  std::shared_ptr<JudgedLabel> made_;
  inspect::Arena arena_;
  std::optional<ReadLabel> primary_;
  std::optional<label::Misreading> misreading_;
  std::vector<Label> equivalents_;
  Format format_ = Format::Made;  // of the label that was chosen
  label::Seconds created_{};
};

}  // namespace

std::shared_ptr<const JudgedLabel> judge_label(const LabelRules& rules, const PeeringLabels& peering,
                                               const LabelWay& way, const LabelOrigin& origin, label::Time now,
                                               LabelDepth depth) {
  return Judging(rules, peering, way, now, depth).run(origin);
}

std::optional<label::Refusal> refused_by(const LabelRules& rules, const JudgedLabel& judged, bool at_destination,
                                         std::uint16_t clearance) {
  using Answer = JudgedLabel::Answer;
  auto& answers = at_destination ? judged.destination_answers : judged.source_answers;
  if (answers.empty()) answers.resize(rules.tables().clearances.size(), Answer::Open);
  if (answers[clearance] == Answer::Granted) return std::nullopt;
  const LabelSide& side = at_destination ? judged.destination() : judged.source;
  const label::Decision decision =
      label::decide(rules.policy(side.policy), side.resolved, &rules.clearance(clearance), rules.options(side.policy));
  answers[clearance] = decision.granted ? Answer::Granted : Answer::Denied;
  return decision.granted ? std::nullopt : std::optional(decision.refusal);
}

std::string text_of(const LabelRules& rules, const label::Label& label) {
  const auto number = rules.policy_number(label.policy);
  if (!number) return label.policy.text() + ": " + label::names_of(nullptr, label);
  const label::Policy& policy = rules.policy(*number);
  return policy.spif().name + " (version " + std::to_string(policy.spif().version) +
         "): " + label::names_of(&policy, label);
}

Reason reason_of(label::Cause cause) {
  using enum label::Cause;
  switch (cause) {
    case Policy:
      return Reason::LabelPolicy;
    case SpifValidity:
      return Reason::LabelSpifValidity;
    case NoClassification:
      return Reason::LabelNoClassification;
    case UnknownClassification:
      return Reason::LabelUnknownClassification;
    case ObsoleteClassification:
      return Reason::LabelObsoleteClassification;
    case EmptyCategory:
      return Reason::LabelEmptyCategory;
    case UnknownTagSet:
      return Reason::LabelUnknownTagset;
    case UnknownCategory:
      return Reason::LabelUnknownCategory;
    case ClassRequiredCategory:
      return Reason::LabelClassRequiredCategory;
    case ObsoleteCategory:
      return Reason::LabelObsoleteCategory;
    case CategoryValidity:
      return Reason::LabelCategoryValidity;
    case RequiredClass:
      return Reason::LabelRequiredClass;
    case ExcludedClass:
      return Reason::LabelExcludedClass;
    case RequiredCategory:
      return Reason::LabelRequiredCategory;
    case ExcludedCategory:
      return Reason::LabelExcludedCategory;
    case SingleSelection:
      return Reason::LabelSingleSelection;
    case MaxSelection:
      return Reason::LabelMaxSelection;
    case MinSelection:
      return Reason::LabelMinSelection;
    case PrivacyMarkCount:
      return Reason::LabelPrivacyMarkCount;
    case PrivacyMark:
      return Reason::LabelPrivacyMark;
    case UnknownInClearance:
      return Reason::LabelUnknownInClearance;
    case NilClearance:
      return Reason::LabelNilClearance;
    case ClearancePolicy:
      return Reason::LabelClearancePolicy;
    case Classification:
      return Reason::LabelClassification;
    case Restrictive:
      return Reason::LabelRestrictive;
    case Permissive:
      return Reason::LabelPermissive;
    case Category:
    case Ambiguous:
    case PermissiveEmptied:
    case AmbiguousRequired:
    case PermissiveConflict:
    case SourceInvalid:
    case ResultInvalid:
      break;
  }
  return Reason::LabelTranslation;
}

}  // namespace sallyport::policy
