// [labels], [label_policy.NAME], [label.NAME], [clearance.NAME], [[label_translation]], [[label_holder]], and the
// tables `labels` of enclaves and peerings.
#include "policy/source/key_forms.h"
#include "policy/source/labels.h"

namespace sallyport::policy::source {
namespace {

using label::Options;

template <class V>
Key<LabelPolicyText> option(const std::string& name, V Options::* member,
                            const std::vector<std::pair<std::string, V>>& words, std::string meaning) {
  return inside<LabelPolicyText, Options>(choice<Options>(name, member, words, std::move(meaning)),
                                          [](LabelPolicyText& p) -> Options& { return p.row.options; });
}

/// A name that stands elsewhere, or in the SPIF.
template <class T>
Key<T> word(const std::string& name, Written T::* member, std::string type, std::string meaning) {
  return {name, std::move(type), "", std::move(meaning), false, [=](Reading& in, const toml::node& node, T& out) {
            if (auto written = in.title(node)) out.*member = std::move(*written);
          }};
}
template <class T>
Key<T> word(const std::string& name, std::optional<Written> T::* member, std::string type, std::string meaning) {
  return {name, std::move(type), "", std::move(meaning), false, [=](Reading& in, const toml::node& node, T& out) {
            if (auto written = in.title(node)) out.*member = std::move(*written);
          }};
}
template <class T>
Key<T> words(const std::string& name, std::vector<Written> T::* member, const std::string& type, std::string meaning) {
  return {name, type, "", std::move(meaning), false, [=](Reading& in, const toml::node& node, T& out) {
            in.each(node, "a " + type, [&](const toml::node& element) {
              if (auto written = in.title(element)) (out.*member).push_back(std::move(*written));
            });
          }};
}

/// Tables whose keys are the officer's own names: [header.NAME].
template <class Part>
Key<LabelsText> named(const std::string& header, const Section<Part>& section, std::vector<Part> LabelsText::* member,
                      std::string meaning) {
  return {header, "tables", "", std::move(meaning), false, [=](Reading& in, const toml::node& node, LabelsText& out) {
            const auto* list = node.as_table();
            if (!list)
              return in.mistake(node.source(), "'" + header + "' is not a table",
                                "write [" + header + ".NAME] on a line of its own");
            for (const auto& [key, value] : *list) {
              const auto* inner = value.as_table();
              if (!inner) {
                in.mistake(key.source(), "'" + std::string(key.str()) + "' is not a table",
                           "write [" + header + ".NAME] on a line of its own");
                continue;
              }
              Part& part = (out.*member).emplace_back();
              part.name = {std::string(key.str()), key.source()};
              read_section(in, *inner, section, part);
            }
          }};
}

const std::vector<std::pair<std::string, LabelCarrier>> kCarriers = {
    {"element", LabelCarrier::Element}, {"first-line", LabelCarrier::FirstLine}, {"nothing", LabelCarrier::Nothing}};

Key<LabelPolicyText> place_key() {
  return {"marking_place",
          "place of the SPIF",
          quoted(label::name(LabelPolicy{}.place)),
          "The place for which display markings are made.",
          false,
          [](Reading& in, const toml::node& node, LabelPolicyText& out) {
            const auto written = in.text(node, "a place like \"pageBottom\"");
            if (!written) return;
            if (const auto place = label::place(written->text))
              out.row.place = *place;
            else
              in.mistake(node.source(), "there is no place " + quoted(written->text) + " for markings",
                         "write \"pageTop\", \"pageBottom\", \"portionMarking\" ...");
          }};
}

Key<HolderText> address_key() {
  return {"address",
          "bare JID or domain",
          "",
          "The user, room or domain.",
          false,
          [](Reading& in, const toml::node& node, HolderText& out) {
            auto written = in.text(node, "an address in quotes, like \"alice@example.org\"");
            if (!written) return;
            const auto jid = inspect::Jid::parse(written->text, inspect::JidProfile::Unicode);
            if (jid && jid->is_bare()) {
              written->text = jid->bare();
              out.address = std::move(*written);
              return;
            }
            in.mistake(node.source(), quoted(written->text) + " is no address without resource",
                       "write it like \"alice@example.org\" or \"example.org\"");
          }};
}

std::vector<Key<LabelPolicyText>> reading_keys() {
  using label::Aggregation, label::AllMeans, label::ClassTest, label::Lenience, label::Unit;
  const std::vector<std::pair<std::string, Lenience>> kLenience = {{"refuse", Lenience::Refuse},
                                                                   {"ignore", Lenience::Ignore}};
  return {
      option<ClassTest>(
          "class_test", &Options::class_test, {{"member", ClassTest::Member}, {"rank", ClassTest::Rank}},
          "A class is held when it is listed (`member`), or when any listed one ranks at least as high (`rank`). I1."),
      option<bool>("empty_class_list", &Options::no_class_means_default, {{"nothing", false}, {"default", true}},
                   "What a clearance without classes holds: nothing, or the class with lacv 1. I2."),
      option<bool>("obsolete", &Options::accept_obsolete, {{"accept", true}, {"refuse", false}},
                   "Obsolete classes and values in labels that arrive. Labels that are made hold none. I3."),
      word<LabelPolicyText>("absent_class", &LabelPolicyText::absent_class, "class of the SPIF",
                            "Stands in for the class of a label that has none; without it such labels are denied. I4."),
      option<Lenience>("empty_category", &Options::empty_category, kLenience, "A category element without values. I5."),
      option<Lenience>(
          "unknown_in_clearance", &Options::unknown_in_clearance, kLenience,
          "Values of a clearance that the SPIF does not know: `refuse` makes the whole clearance worthless. I6."),
      option<Lenience>("outside_validity", &Options::outside_validity, kLenience,
                       "Labels when the SPIF has ended or not begun. I7."),
      option<Unit>(
          "unit", &Options::unit, {{"tag", Unit::Tag}, {"tag-set", Unit::TagSetAndKind}},
          "What \"all of\" and \"one of\" are decided over: each tag, or all tags of one tag set and kind. I8."),
      option<bool>("phrase", &Options::name_beside_phrase, {{"instead", false}, {"beside", true}},
                   "Whether a marking shows phrases instead of names, or beside them. I9."),
      option<AllMeans>("all_means", &Options::all_means,
                       {{"each", AllMeans::EachCategory}, {"any", AllMeans::AnyPresent}},
                       "`all=\"true\"` in a rule stands for each category, or for any that is there. I10."),
      option<bool>("min_selection", &Options::min_always, {{"when-used", false}, {"always", true}},
                   "Whether minSelection counts for tags that a label does not use. I12."),
      option<bool>("codeless_markings", &Options::codeless_at_bottom_only,
                   {{"everywhere", false}, {"page-bottom", true}}, "Where marking data without place applies. I13."),
      option<bool>("privacy_mark_shown", &Options::mark_privacy, {{"no", false}, {"yes", true}},
                   "Whether the privacy mark ends the marking. I14."),
      option<bool>("privacy_marks", &Options::strict_privacy_mark, {{"any", false}, {"listed", true}},
                   "`listed`: labels with a privacy mark that the SPIF does not list are denied, if it lists any."),
      option<bool>("emptied_permissive", &Options::may_empty_permissive, {{"refuse", false}, {"allow", true}},
                   "A translation that leaves nothing of a permissive tag. `allow` opens data to everybody. I15."),
      option<bool>("required_choice", &Options::pick_first_required, {{"refuse", false}, {"first", true}},
                   "A required category of the table that leaves a choice. I16."),
      option<bool>("several_classes", &Options::pick_highest_class, {{"refuse", false}, {"highest", true}},
                   "Several classes when the table is read backwards. I17."),
      option<bool>("one_to_many", &Options::any_target_suffices, {{"all", false}, {"any", true}},
                   "How many targets of a value must be there when the table is read backwards. I18."),
      option<bool>("excludes_all", &Options::all_excludes_itself, {{"others", false}, {"itself", true}},
                   "Whether an exclusion of all values of its own tag set excludes the value itself. I19."),
      option<bool>("unmapped_informative", &Options::drop_informative, {{"refuse", false}, {"drop", true}},
                   "An informative value without equivalent. I29."),
      option<bool>(
          "unmapped_permissive", &Options::narrow_permissive, {{"refuse", false}, {"narrow", true}},
          "A permissive value without equivalent: `narrow` leaves it out while others of the tag remain. I30."),
      option<Aggregation>(
          "aggregation", &Options::aggregation, {{"safe", Aggregation::Safe}, {"adatp", Aggregation::Adatp}},
          "One label for several parts: `adatp` drops permissive tags that a part lacks, which opens data. I32.")};
}

}  // namespace

Section<LabelsText> labels_section() {
  using L = LabelsText;
  return {"[labels]",
          "How labels are read.",
          {choice<L>("names", &L::names, {{"ignore-case", label::NameCase::Ignore}, {"exact", label::NameCase::Exact}},
                     "How names in STANAG 4774 labels are compared with those of the SPIF. I21."),
           choice<L>("ess", &L::der_only, {{"ber", false}, {"der", true}},
                     "Whether ESS labels may be in any BER, or in DER only. I11.")}};
}

Section<LabelPolicyText> label_policy_section() {
  using P = LabelPolicyText;
  std::vector<Key<P>> keys = {
      required(word<P>("file", &P::file, "path", "The SPIF, schema 1.0 to 2.1; relative to the policy file.")),
      choice<P>("order", &P::lenient_order, {{"schema", false}, {"lenient", true}},
                "`lenient`: elements of the SPIF may stand in another order than the schema's."),
      place_key(),
      Key<P>{"marking_lang", "language tag", "", "The language of display markings.", false,
             [](Reading& in, const toml::node& node, P& out) {
               if (const auto written = in.title(node)) out.row.lang = written->text;
             }}};
  for (Key<P>& key : reading_keys()) keys.push_back(std::move(key));
  return {"[label_policy.NAME]",
          "A security policy: its SPIF, and how the places are read that the specifications leave open. I1 and so on: "
          "officer's guide, Labels.",
          std::move(keys)};
}

Section<NamedLabelText> label_section() {
  using L = NamedLabelText;
  return {"[label.NAME]",
          "A label of the officer's own: a default, a stamp, a member of a list. It must be valid.",
          {required(word<L>("policy", &L::policy, "name of a label policy", "The security policy.")),
           required(word<L>("classification", &L::classification, "class of the SPIF", "Its class.")),
           words<L>("categories", &L::categories, "list of \"TAG:VALUE\"",
                    "Its values: the name of the tag or tag set, a colon, the name of the value.")}};
}

Section<ClearanceText> clearance_section() {
  using C = ClearanceText;
  return {"[clearance.NAME]",
          "A clearance, written out by names or read from a file.",
          {required(word<C>("policy", &C::policy, "name of a label policy", "The security policy.")),
           words<C>("classes", &C::classes, "list of classes of the SPIF", "The classes held."),
           words<C>("categories", &C::categories, "list of \"TAG:VALUE\"",
                    "The values held; `TAG:*` is all values of a tag or tag set."),
           word<C>("file", &C::file, "path",
                   "In place of both: a clearance in BER, in base 64 of it, or in STANAG 4774 XML.")}};
}

Section<TranslationText> label_translation_section() {
  using T = TranslationText;
  return {"[[label_translation]]",
          "Labels of one policy become labels of another. Without it they do not.",
          {required(word<T>("from", &T::from, "name of a label policy", "The policy of the labels.")),
           required(word<T>("to", &T::to, "name of a label policy", "The policy that they come under.")),
           required(choice<T>("table", &T::reverse, {{"from", false}, {"to", true}},
                              "Whose SPIF says how: that of `from`, or that of `to` read backwards."))}};
}

Section<HolderText> label_holder_section() {
  using H = HolderText;
  return {
      "[[label_holder]]",
      "What a user, a room or a domain is cleared for.",
      {required(address_key()),
       words<H>("clearances", &H::clearances, "list of clearances", "At most one for each policy; each must grant."),
       word<H>("label", &H::label, "name of a label",
               "Of what comes from it without label; of a room: of its subject."),
       Key<H>{"carrier", "one of \"element\", \"first-line\", \"nothing\"", "", "Of a domain: see the enclave's.",
              false, [](Reading& in, const toml::node& node, H& out) {
                EnclaveLabelsText read;
                choice<EnclaveLabelsText>("carrier", &EnclaveLabelsText::carrier, kCarriers, "").read(in, node, read);
                out.carrier = read.carrier;
              }}}};
}

Section<EnclaveLabelsText> enclave_labels_section() {
  using E = EnclaveLabelsText;
  return {"[enclave.NAME.labels]",
          "The labels of an enclave.",
          {word<E>("policy", &E::policy, "name of a label policy", "The policy that governs it."),
           words<E>("clearances", &E::clearances, "list of clearances",
                    "What may enter and leave it; at most one for each policy."),
           word<E>("label", &E::label, "name of a label", "Of what comes from it without label."),
           choice<E>("carrier", &E::carrier, kCarriers,
                     "How its servers carry labels: as XEP-0258 elements, as a first line of the text, or not at all."),
           words<E>("first_lines", &E::first_lines, "list of labels", "The labels that first lines may name.")}};
}

Section<PeeringLabelsText> peering_labels_section() {
  using P = PeeringLabelsText;
  const std::vector<std::pair<std::string, Unlabelled>> kUnlabelled = {{"refuse", Unlabelled::Refuse},
                                                                       {"assume", Unlabelled::Assume},
                                                                       {"stamp", Unlabelled::Stamp},
                                                                       {"pass", Unlabelled::Pass}};
  const auto of = [](const Key<PeeringLabels>& key) {
    return inside<P, PeeringLabels>(key, [](P& p) -> PeeringLabels& { return p.row; });
  };
  using R = PeeringLabels;
  return {
      "[peering.labels]",
      "The labels of what crosses under a peering. In the file it stands below its [[peering]].",
      {of(choice<R>(
           "message", &R::message, kUnlabelled,
           "Messages without label. `assume`: judged by the default label; `stamp`: also written with it; `pass`: "
           "not judged.")),
       of(choice<R>("presence", &R::presence, kUnlabelled, "Presence; as messages, but never stamped.")),
       of(choice<R>("iq", &R::iq, kUnlabelled, "Iq; as messages, but never stamped.")),
       of(flag<R>("signals_pass", &R::signals_pass,
                  "Messages of nothing but chat states, receipts and markers pass without label.")),
       of(flag<R>("trust_equivalents", &R::trust_equivalents, "Equivalent labels of the sender count.")),
       of(choice<R>("disagreement", &R::disagreement, {{"refuse", Disagreement::Refuse}, {"note", Disagreement::Note}},
                    "A trusted equivalent that is not what the guard's own translation gives.")),
       of(choice<R>("translated", &R::translated,
                    {{"replace", TranslatedLabel::Replace}, {"add", TranslatedLabel::Add}},
                    "Whether a translation takes the label's place, or is added as an equivalent.")),
       of(choice<R>("format", &R::format,
                    {{"same", LabelFormat::Same},
                     {"ess", LabelFormat::Ess},
                     {"missi", LabelFormat::Missi},
                     {"stanag-4774", LabelFormat::Stanag4774}},
                    "The format in which labels leave.")),
       words<P>("only", &P::only, "list of labels", "The only labels that may cross.")}};
}

Section<LabelMatchText> label_match_section() {
  using M = LabelMatchText;
  return {
      "label",
      "Entries of a rule's `label` that are tables, like `{ policy = \"acme\", at_most = \"CONFIDENTIAL\" }`. All that "
      "is written in one has to hold of the label, as it is on that side of the way that is under the policy.",
      {required(word<M>("policy", &M::policy, "name of a label policy", "The security policy that it is under.")),
       words<M>("classes", &M::classes, "list of classes of the SPIF", "Its class is one of these."),
       word<M>("at_least", &M::at_least, "class of the SPIF", "Its class ranks as high or higher."),
       word<M>("at_most", &M::at_most, "class of the SPIF", "Its class ranks as high or lower."),
       words<M>("any_of", &M::any_of, "list of \"TAG:VALUE\"",
                "It has one of these values; `TAG:*` is all values of a tag or tag set."),
       words<M>("all_of", &M::all_of, "list of \"TAG:VALUE\"", "It has all of these."),
       words<M>("none_of", &M::none_of, "list of \"TAG:VALUE\"", "It has none of these.")}};
}

void read_label_match(Reading& in, const toml::node& node, std::vector<LabelMatchText>& out) {
  LabelMatchText match;
  match.at = node.source();
  const auto* text = node.as_string();
  match.none = text && text->get() == "none";
  if (const auto* table = node.as_table())
    read_section(in, *table, label_match_section(), match);
  else if (!match.none)
    return in.mistake(node.source(), "this asks for no label",
                      "write \"none\", or a table like { policy = \"acme\", classes = [\"SECRET\"] }");
  out.push_back(std::move(match));
}

std::vector<Key<LabelsText>> label_keys() {
  using L = LabelsText;
  return {table<L, L>("labels", labels_section(), "The table [labels].", [](L& l) -> L& { return l; }),
          named<LabelPolicyText>("label_policy", label_policy_section(), &L::policies,
                                 "One table [label_policy.NAME] for each security policy."),
          named<NamedLabelText>("label", label_section(), &L::labels, "One table [label.NAME] for each label."),
          named<ClearanceText>("clearance", clearance_section(), &L::clearances,
                               "One table [clearance.NAME] for each clearance."),
          tables<L, TranslationText>("label_translation", "[[label_translation]]", label_translation_section(),
                                     "One [[label_translation]] for each direction in which labels are translated.",
                                     [](L& l, const toml::node& node) -> TranslationText& {
                                       l.translations.emplace_back().at = node.source();
                                       return l.translations.back();
                                     }),
          tables<L, HolderText>("label_holder", "[[label_holder]]", label_holder_section(),
                                "One [[label_holder]] for each user, room or domain with clearances.",
                                [](L& l, const toml::node&) -> HolderText& { return l.holders.emplace_back(); })};
}

}  // namespace sallyport::policy::source
