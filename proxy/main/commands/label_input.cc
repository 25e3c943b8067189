#include "proxy/main/commands/label_input.h"

#include <map>
#include <utility>

#include "policy/label/ess.h"
#include "policy/label/named_values.h"
#include "policy/label/read_marking.h"
#include "policy/source/document_tree.h"
#include "proxy/main/commands/label_output.h"
#include "proxy/main/commands/policy.h"
#include "proxy/main/commands/policy_input.h"

namespace sallyport::commands {

namespace {

namespace label = policy::label;
using inspect::Node;
using label::Misreading;

constexpr std::string_view kSpace = " \t\r\n";

std::string sentence(Misreading misreading, const policy::LabelRules& rules) {
  if (misreading == Misreading::UnknownPolicy)
    return rules.empty() ? "its policy has to be known; name its SPIF, policy file or bundle with --policy"
                         : "it is under a policy that was not named with --policy";
  return std::string(label::in_words(misreading));
}

/// Finds the labels of one file.
class LabelFinder {
 public:
  LabelFinder(std::string file, const policy::LabelRules& rules) : file_(std::move(file)), rules_(rules) {}

  std::vector<FoundLabel> run(const std::string& text) {
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string::npos) end_command(1, file_ + ": it is empty");
    if (text[first] == '<') {
      read_xml(text);
    } else if (static_cast<unsigned char>(text[0]) == label::ber::kSet) {
      ess(text, "", "label");  // the base 64 of a SET begins with an M
    } else if (const auto octets = label::octets_of_text(text)) {
      ess(*octets, " in base 64", "label");
    } else {
      end_command(1, file_ + ":1: it is neither XML nor base 64 nor BER; a marking is given with --marking");
    }
    return std::move(found_);
  }

 private:
  void read_xml(const std::string& text) {
    const auto document = policy::source::read_document(text, file_, arena_);
    if (!document) end_command(1, inspect::describe(document.error()));
    lines_ = document->lines;
    visit(*document->root, "label");
    if (found_.empty()) end_command(1, file_ + ": there is no label in it");
  }

  void visit(const Node& node, const char* role) {
    if (node.is(label::kSecLabelNs, "securitylabel")) return read_element(node);
    const bool is_label =
        node.is(label::kEssNs, "esssecuritylabel") || node.ns == label::kLabelNs || node.ns == label::kBindingNs;
    if (is_label) return read_content(node, role);
    for (const Node& child : node.children())
      if (!child.is_text()) visit(child, role);
  }

  void read_element(const Node& element) {
    const auto parts = label::read_security_label(element);
    if (!parts)
      end_command(1, place(element) +
                         ": it is no securitylabel of XEP-0258: one <label/>, at most one <displaymarking/>, and "
                         "<equivalentlabel/>, each with at most one element inside");
    if (!parts->label) end_command(1, place(element) + ": <label/> is empty: it asks for the default label");
    read_content(*parts->label, "label");
    if (parts->marking) found_.back().displayed = std::string(parts->marking->text);
    for (const Node* equivalent : parts->equivalents) read_content(*equivalent, "equivalent");
  }

  void read_content(const Node& node, const char* role) {
    if (node.is(label::kEssNs, "esssecuritylabel") && !node.has_child_elements()) {
      const auto octets = label::octets_of_text(node.text_content());
      if (!octets) end_command(1, place(node) + ": its text is no base 64");
      where_ = place(node);
      return ess(*octets, " in base 64", role);
    }
    auto read = label::decode_label(node, rules_.lexicon(), rules_.encoding());
    // A label about the metadata is no label of a stanza; to look at it is another matter.
    if (!read && read.error() == Misreading::UnknownFormat)
      if (auto metadata = label::decode_4774(node, rules_.lexicon()))
        read = label::ReadLabel{.label = std::move(metadata->label), .created = metadata->created, .alternatives = {}};
    if (!read) end_command(1, place(node) + ": " + sentence(read.error(), rules_));
    const bool is_bound = node.ns == label::kBindingNs;
    add(std::move(*read), place(node), is_bound ? "STANAG 4774 in a binding of STANAG 4778" : "STANAG 4774", role);
  }

  void ess(const std::string& octets, const std::string& carried, const char* role) {
    const std::string where = where_.empty() ? file_ : std::exchange(where_, "");
    const label::TagSetFacts facts = rules_.lexicon().facts();
    auto read = label::decode_ess(octets, label::ber::Rules::Der, facts);
    const bool is_der = read.has_value();
    if (!is_der) read = label::decode_ess(octets, rules_.encoding(), facts);
    if (!read) end_command(1, where + ": " + sentence(read.error(), rules_));
    const std::string syntax = read->format == label::Format::Missi ? "ESS with MISSI categories, " : "ESS, ";
    add({.label = std::move(*read), .created = {}, .alternatives = {}}, where,
        syntax + (is_der ? "DER" : "BER") + carried, role);
  }

  void add(label::ReadLabel read, std::string where, std::string encoding, const char* role) {
    std::vector<label::Label> alternatives = std::exchange(read.alternatives, {});
    const auto number = rules_.policy_number(read.label.policy);
    found_.push_back({.where = std::move(where),
                      .encoding = std::move(encoding),
                      .role = role,
                      .read = std::move(read),
                      .policy = number,
                      .displayed = {}});
    for (label::Label& each : alternatives)
      add({.label = std::move(each), .created = {}, .alternatives = {}}, found_.back().where, "STANAG 4774",
          "alternative");
  }

  std::string place(const Node& node) const {
    const auto line = lines_.find(&node);
    return line == lines_.end() ? file_ : file_ + ":" + std::to_string(line->second);
  }

  std::string file_, where_;
  const policy::LabelRules& rules_;
  inspect::Arena arena_;
  std::map<const Node*, std::uint32_t> lines_;
  std::vector<FoundLabel> found_;
};

}  // namespace

std::vector<FoundLabel> read_labels_or_end(const std::filesystem::path& file, const LabelPolicies& policies) {
  return LabelFinder(file.string(), policies.rules()).run(read_file_or_end(file));
}

std::uint16_t policy_of_or_end(const FoundLabel& found) {
  if (!found.policy)
    end_command(2, found.where + ": its policy (" + found.read.label.policy.text() +
                       ") has to be known; name its SPIF, policy file or bundle with --policy");
  return *found.policy;
}

FoundLabel label_of_marking_or_end(std::string_view marking, std::uint16_t number, const LabelPolicies& policies,
                                   const LabelView& view) {
  const policy::LabelRules& rules = policies.rules();
  const policy::LabelPolicy& row = rules.row(number);
  const label::Policy& policy = rules.policy(number);
  auto read = label::read_marking(policy, marking, view.place.value_or(row.place), view.lang.value_or(row.lang),
                                  view.now, row.options);
  const std::string what = "'" + std::string(marking) + "'";
  if (read.labels.empty())
    end_command(1, what + (read.is_complete ? ": no valid label of " + policy.spif().name + " is shown so"
                                            : ": no label was found in the time there is"));
  if (read.labels.size() > 1 || !read.is_complete) {
    std::string all = what + ": the marking does not say which label it is; it may be";
    for (const label::Label& each : read.labels) all += "\n  " + label::names_of(&policy, each);
    end_command(1, all + (read.is_complete ? "" : "\n  or another one"));
  }
  return {.where = what,
          .encoding = "a marking",
          .role = "label",
          .read = {.label = std::move(read.labels.front()), .created = {}, .alternatives = {}},
          .policy = number,
          .displayed = std::string(marking)};
}

}  // namespace sallyport::commands
