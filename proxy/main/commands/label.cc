// `sallyport label show`, `make` and `translate`: labels in every format, without a guard.
#include "proxy/main/commands/label.h"

#include <cstdio>
#include <memory>
#include <utility>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "policy/label/decide.h"
#include "policy/label/named_values.h"
#include "policy/source/value_names.h"
#include "proxy/main/commands/commands.h"
#include "proxy/main/commands/json.h"
#include "proxy/main/commands/policy.h"
#include "proxy/main/commands/policy_input.h"

namespace sallyport::commands {

namespace {

namespace label = policy::label;

const std::map<std::string, label::Format> kInner = {
    {"ess", label::Format::Ess}, {"missi", label::Format::Missi}, {"stanag4774", label::Format::Stanag4774}};

/// Where a label comes from and how it is written: what `make` and `translate` have in common.
struct WriteOptions {
  LabelOptions common;
  LabelForm form = LabelForm::Xep0258;
  std::string inner, marking, of;
  std::filesystem::path input, output;
};

void add_write_options(CLI::App& command, WriteOptions& options) {
  add_label_options(command, options.common);
  command
      .add_option("--format", options.form,
                  "xep0258 (the default), ess, ess-binary, missi, missi-binary, stanag4774, marking")
      ->transform(CLI::CheckedTransformer(label_forms()).description(""));
  command.add_option("--inner", options.inner, "in xep0258: ess, missi or stanag4774 (else: what the SPIF admits)")
      ->check(CLI::IsMember({"ess", "missi", "stanag4774"}).description(""));
  command.add_option("--marking", options.marking, "take the label that has this marking, if only one has");
  command.add_option("--of", options.of, "the policy that names and markings are of, if there are several");
  command.add_option("-o,--output", options.output, "write to this file (else: standard output)");
}

std::uint16_t policy_or_end(const WriteOptions& options, const LabelPolicies& policies) {
  return options.of.empty() ? policies.only_or_end("--of") : policies.number_or_end(options.of);
}

/// The label of a file or of a marking.
FoundLabel input_or_end(const WriteOptions& options, const LabelPolicies& policies, const LabelView& view) {
  if (!options.marking.empty())
    return label_of_marking_or_end(options.marking, policy_or_end(options, policies), policies, view);
  return read_labels_or_end(options.input, policies).front();
}

void valid_or_end(const FoundLabel& found, const policy::LabelRules& rules, const LabelView& view) {
  const Shown seen = shown(found, rules, view);
  if (!seen.is_valid())
    end_command(1, found.where + ": the label " +
                       policy::label::names_of(&rules.policy(policy_of_or_end(found)), found.read.label) +
                       " is not valid: " + seen.validity);
}

void write_or_end(const FoundLabel& found, const WriteOptions& options, const policy::LabelRules& rules,
                  const LabelView& view) {
  LabelWriting how{.form = options.form, .inner = {}};
  if (!options.inner.empty()) how.inner = kInner.at(options.inner);
  auto made = write_label(found, how, rules, view);
  if (!made) end_command(1, found.where + ": " + made.error());
  const bool is_binary = options.form == LabelForm::EssBinary || options.form == LabelForm::MissiBinary;
  if (options.common.json) {
    const std::string text = is_binary ? "" : ",\"text\":" + json_string(*made);
    std::printf("{\"label\":%s%s}\n", json_of(found, rules, view).c_str(), text.c_str());
    if (options.output.empty()) return;
  }
  if (!is_binary) *made += '\n';
  if (!options.output.empty()) {
    if (!write_whole(options.output, *made)) end_command(2, options.output.string() + ": can't be written");
    return;
  }
  if (is_binary && ::isatty(STDOUT_FILENO) != 0)
    end_command(2, "binary is not written to a terminal; name a file with -o");
  std::fwrite(made->data(), 1, made->size(), stdout);
}

// --- show ---

void add_show(CLI::App& parent) {
  struct Options {
    LabelOptions common;
    std::vector<std::filesystem::path> files;
  };
  auto options = std::make_shared<Options>();
  auto* command = parent.add_subcommand("show", "say what labels mean, whether they are valid, and how they are shown");
  add_label_options(*command, options->common);
  command
      ->add_option("files", options->files,
                   "XML with labels anywhere in it, ESS in BER or base 64; - for standard input")
      ->required();
  command->callback([options] {
    const LabelPolicies policies(options->common.policies, options->common.lenient_order);
    const LabelView view = view_or_end(options->common);
    bool all_valid = true;
    std::string text;
    for (const auto& file : options->files)
      for (const FoundLabel& found : read_labels_or_end(file, policies)) {
        all_valid = all_valid && (!found.policy || shown(found, policies.rules(), view).is_valid());
        if (!text.empty()) text += options->common.json ? "," : "\n";
        text += options->common.json ? json_of(found, policies.rules(), view) : plain_of(found, policies.rules(), view);
      }
    std::printf(options->common.json ? "[%s]\n" : "%s", text.c_str());
    if (!all_valid) throw CLI::RuntimeError(1);
  });
}

// --- make ---

struct MakeOptions : WriteOptions {
  std::string classification, named;
  std::vector<std::string> values, privacy_marks;
};

label::Label named_or_end(const std::string& name, const policy::LabelRules& rules) {
  std::string known;
  for (const policy::NamedLabel& row : rules.tables().labels) {
    if (row.name == name) return row.label;
    known += (known.empty() ? "; there are " : ", ") + row.name;
  }
  end_command(2, "the policy has no label '" + name + "'" + known);
}

void add_values_or_end(const MakeOptions& options, const label::Policy& policy, label::Label& made) {
  const auto names = policy::source::value_names(policy);
  for (const std::string& value : options.values) {
    const auto [first, last] = names.equal_range(value);
    const bool is_one = first != last && std::next(first) == last && !value.ends_with(":*");
    if (!is_one) {
      std::vector<std::string_view> known;
      for (const auto& [name, number] : names) known.emplace_back(name);
      const std::string meant(inspect::nearest(value, known));
      end_command(2, first == last ? policy.spif().name + " has no value '" + value + "'" +
                                         (meant.empty() ? "; write TAG:VALUE" : "; did you mean '" + meant + "'?")
                                   : "'" + value + "' stands for several values; name the tag in place of the tag set");
    }
    made.categories.push_back(policy.key(first->second));
  }
}

FoundLabel made_or_end(const MakeOptions& options, const LabelPolicies& policies) {
  const policy::LabelRules& rules = policies.rules();
  FoundLabel found{.where = "label", .encoding = "made", .role = "label", .read = {}, .policy = {}, .displayed = {}};
  if (!options.named.empty()) {
    found.read.label = named_or_end(options.named, rules);
    found.policy = rules.policy_number(found.read.label.policy);
    return found;
  }
  const std::uint16_t number = policy_or_end(options, policies);
  const label::Policy& policy = rules.policy(number);
  const auto classification = policy.class_named(options.classification, label::NameCase::Exact);
  if (!classification) {
    std::string known;
    for (const label::Class& each : policy.spif().classes) known += (known.empty() ? "" : ", ") + each.name;
    end_command(2, policy.spif().name + " has no class '" + options.classification + "'; it has " + known);
  }
  label::Label& made = found.read.label;
  made.policy = policy.id();
  made.classification = policy.class_at(*classification).lacv;
  add_values_or_end(options, policy, made);
  made.privacy_marks = options.privacy_marks;
  made.settle();
  found.policy = number;
  return found;
}

void make(const MakeOptions& options) {
  const LabelPolicies policies(options.common.policies, options.common.lenient_order);
  const LabelView view = view_or_end(options.common);
  const bool is_made = !options.classification.empty() || !options.named.empty();
  const int sources = int{!options.classification.empty()} + int{!options.named.empty()} + int{!options.input.empty()} +
                      int{!options.marking.empty()};
  if (sources != 1) end_command(2, "name one of --class, --label, --marking and a file");
  const FoundLabel found = is_made ? made_or_end(options, policies) : input_or_end(options, policies, view);
  valid_or_end(found, policies.rules(), view);
  if (is_made) {
    const std::uint16_t number = policy_of_or_end(found);
    label::Options strict = policies.rules().options(number);
    strict.accept_obsolete = false;
    const auto made = label::validate(policies.rules().policy(number), found.read.label, view.now, strict);
    if (!made) end_command(1, "the label is not valid for new data: " + made.error().text());
  }
  write_or_end(found, options, policies.rules(), view);
}

void add_make(CLI::App& parent) {
  auto options = std::make_shared<MakeOptions>();
  auto* command =
      parent.add_subcommand("make", "write a label: by its names, one of the policy, or one of another format");
  add_write_options(*command, *options);
  command->add_option("file", options->input, "a label in any format, to be written in another; - for standard input");
  command->add_option("--class", options->classification, "the class, by its name in the SPIF");
  command->add_option("--value", options->values, "TAG:VALUE, by the names of the SPIF; as often as needed")
      ->allow_extra_args(false);
  command->add_option("--privacy-mark", options->privacy_marks, "a privacy mark")->allow_extra_args(false);
  command->add_option("--label", options->named, "a label of the policy file, [label.NAME]");
  command->callback([options] { make(*options); });
}

// --- translate ---

struct TranslateOptions : WriteOptions {
  std::string to, table;
};

/// Which SPIF says how: what the officer's file says; else the one that was asked for; else that of the label's policy
/// if it has a table for the other one, and the other one's read backwards if not.
policy::LabelTranslation table_or_end(std::uint16_t from, std::uint16_t to, const std::string& wanted,
                                      const LabelPolicies& policies) {
  const policy::LabelRules& rules = policies.rules();
  if (wanted.empty())
    if (const auto* row = rules.translation(from, to)) return *row;
  const auto has_table = [&](std::uint16_t of, std::uint16_t other) {
    const auto& partners = rules.policy(of).spif().equivalent_policies;
    return std::ranges::find(partners, rules.policy(other).id(), &label::EquivalentPolicy::id) != partners.end();
  };
  const std::uint16_t owner = !wanted.empty() ? policies.number_or_end(wanted) : has_table(from, to) ? from : to;
  const bool fits = (owner == from && has_table(from, to)) || (owner == to && has_table(to, from));
  if (!fits)
    end_command(2, "the SPIF of " + rules.row(owner).name + " has no table between " + rules.row(from).name + " and " +
                       rules.row(to).name);
  return {.from = from, .to = to, .reverse = owner == to};
}

void translate(const TranslateOptions& options) {
  const LabelPolicies policies(options.common.policies, options.common.lenient_order);
  const LabelView view = view_or_end(options.common);
  if (options.input.empty() == options.marking.empty()) end_command(2, "name one of --marking and a file");
  FoundLabel found = input_or_end(options, policies, view);
  const std::uint16_t to = policies.number_or_end(options.to);
  const std::uint16_t from = policy_of_or_end(found);
  if (to == from) end_command(2, found.where + ": the label is under that policy already");
  const policy::LabelTranslation table = table_or_end(from, to, options.table, policies);
  auto result = policy::translate(policies.rules(), table, found.read.label, view.now);
  if (!result)
    end_command(1, found.where + ": the label " +
                       policy::label::names_of(&policies.rules().policy(from), found.read.label) +
                       " has no translation: " + result.error().text());
  if (result->widened)
    std::fprintf(stderr, "note: the table adds a value to a permissive tag that has others: it widens the audience\n");
  const FoundLabel made{.where = found.where,
                        .encoding = "translated",
                        .role = "label",
                        .read = {.label = std::move(result->label), .created = {}, .alternatives = {}},
                        .policy = to,
                        .displayed = {}};
  write_or_end(made, options, policies.rules(), view);
}

void add_translate(CLI::App& parent) {
  auto options = std::make_shared<TranslateOptions>();
  auto* command =
      parent.add_subcommand("translate", "write a label as a label of another policy, by the SPIF's equivalences");
  add_write_options(*command, *options);
  command->add_option("file", options->input, "a label in any format; - for standard input");
  command->add_option("--to", options->to, "the other policy: its name in the policy file or SPIF, or its identifier")
      ->required();
  command->add_option("--table", options->table,
                      "whose SPIF says how (else: what the policy file says, or whichever has a table)");
  command->callback([options] { translate(*options); });
}

}  // namespace

void add_label_options(CLI::App& command, LabelOptions& options) {
  command
      .add_option("--policy", options.policies,
                  "SPIF files (*.xml), and at most one policy file, its folder, or bundle; as often as needed")
      ->allow_extra_args(false);
  command.add_option("--place", options.place, "place of the marking (else: as the policy says, or pageBottom)");
  command.add_option("--lang", options.lang, "language of the marking, like fr-CA");
  command.add_option("--time", options.time, "judge validity at this time, UTC (else: now)");
  command.add_flag("--lenient-order", options.lenient_order, "elements of SPIF files may stand in another order");
  command.add_flag("--json", options.json, "print the result as JSON");
}

LabelView view_or_end(const LabelOptions& options) {
  LabelView view{.place = {}, .lang = {}, .now = now()};
  if (!options.place.empty()) {
    view.place = label::place(options.place);
    if (!view.place)
      end_command(2, "there is no place '" + options.place + "' for markings; write pageTop, pageBottom ...");
  }
  if (!options.lang.empty()) view.lang = options.lang;
  if (!options.time.empty()) {
    const auto time = read_time(options.time);
    if (!time) end_command(2, "'" + options.time + "' is no time; write it like 2026-03-01T08:00");
    view.now = *time;
  }
  return view;
}

CLI::App* add_label(CLI::App& parent) {
  auto* label = parent.add_subcommand("label", "show, make and translate security labels");
  label->require_subcommand(1);
  add_show(*label);
  add_make(*label);
  add_translate(*label);
  add_label_catalog(*label);
  return label;
}

}  // namespace sallyport::commands
