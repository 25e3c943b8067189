// `sallyport label catalog`: the labels that may cross from one address to another, as a catalog of XEP-0258.
#include "policy/label_catalog.h"

#include <cstdio>
#include <memory>
#include <utility>

#include <CLI/CLI.hpp>

#include "inspect/names.h"
#include "inspect/serializer.h"
#include "policy/source/document_tree.h"
#include "proxy/main/commands/json.h"
#include "proxy/main/commands/label.h"
#include "proxy/main/commands/policy.h"
#include "proxy/main/commands/policy_input.h"

namespace sallyport::commands {

namespace {

namespace label = policy::label;
using inspect::Node;

struct Options {
  LabelOptions common;
  std::string from, to;
  std::filesystem::path file;
};

inspect::Jid address_or_end(const std::string& text) {
  auto jid = inspect::Jid::parse(text, inspect::JidProfile::Unicode);
  if (!jid) end_command(2, "'" + text + "' is no address");
  return std::move(*jid);
}

/// Puts together what a server might offer, or takes it from a file, and cuts it.
class CatalogMaker {
 public:
  CatalogMaker(const policy::Bundle& bundle, const LabelPolicies& policies, const LabelView& view)
      : bundle_(bundle), policies_(policies), view_(view), scratch_(memory_), editor_(scratch_.arena) {}

  /// All labels of the policy file, each under its name.
  void offer_all(const inspect::Jid& to) {
    catalog_ = editor_.element(label::kCatalogNs, "catalog");
    editor_.set_attribute(*catalog_, "to", scratch_.arena.copy(to.full()));
    for (const policy::NamedLabel& row : policies_.rules().tables().labels) {
      FoundLabel named{.where = row.name,
                       .encoding = {},
                       .role = {},
                       .read = {.label = row.label, .created = {}, .alternatives = {}},
                       .policy = row.policy,
                       .displayed = {}};
      Node* element = security_label(named, {}, policies_.rules(), view_, scratch_.arena);
      if (!element) end_command(1, "the label '" + row.name + "' has no place in any format that its SPIF admits");
      Node* item = editor_.append(*catalog_, label::kCatalogNs, "item");
      editor_.set_attribute(*item, "selector", scratch_.arena.copy(row.name));
      editor_.append(*item, *element);
    }
  }

  void read(const std::filesystem::path& file) {
    const auto document = policy::source::read_document(read_file_or_end(file), file.string(), scratch_.arena);
    if (!document) end_command(1, inspect::describe(document.error()));
    const Node* found = find(*document->root);
    if (!found) end_command(1, file.string() + ": there is no <catalog xmlns='urn:xmpp:sec-label:catalog:2'/> in it");
    catalog_ = editor_.copy(*found);
  }

  void cut_or_end(const inspect::Jid& from, const inspect::Jid& to) {
    for (const Node& item : catalog_->children())
      if (!item.is_text() && item.child(label::kSecLabelNs, "securitylabel")) selectors_.push_back(selector(item));
    const policy::Moment moment{.wall = view_.now, .steady = {}};
    auto cut = policy::cut_catalog(*catalog_, policy::Address::of_prepared(from.full()),
                                   policy::Address::of_prepared(to.full()), moment, bundle_, scratch_);
    if (!cut)
      end_command(
          1, "no peering lets anything cross from " + std::string(from.domain()) + " to " + std::string(to.domain()));
    if (cut->outcome == label::CatalogOutcome::Malformed) end_command(1, "the catalog is malformed");
    items_ = std::move(cut->items);
  }

  void print_plain() const {
    std::string xml;
    inspect::serialize(*catalog_, inspect::ns::kServer, xml);
    std::printf("%s\n", xml.c_str());
    for (std::size_t i = 0; i < items_.size(); ++i)
      if (const auto& objection = items_[i].objection)
        std::fprintf(stderr, "left out: %s: %s\n", selectors_[i].c_str(), why(*objection, items_[i].detail).c_str());
  }

  void print_json() const {
    std::string xml, offered, left_out;
    inspect::serialize(*catalog_, inspect::ns::kServer, xml);
    for (const Node& item : catalog_->children()) {
      const Node* element = item.child(label::kSecLabelNs, "securitylabel");
      const Node* marking = element ? element->child(label::kSecLabelNs, "displaymarking") : nullptr;
      offered += (offered.empty() ? "{\"selector\":" : ",{\"selector\":") + json_string(selector(item)) +
                 ",\"marking\":" + json_string(marking ? marking->text_content() : "") + "}";
    }
    for (std::size_t i = 0; i < items_.size(); ++i)
      if (const auto& objection = items_[i].objection)
        left_out += (left_out.empty() ? "{\"selector\":" : ",{\"selector\":") + json_string(selectors_[i]) +
                    ",\"reason\":" + json_string(policy::code(*objection)) +
                    ",\"detail\":" + json_string(items_[i].detail) + "}";
    std::printf("{\"offered\":[%s],\"left_out\":[%s],\"catalog\":%s}\n", offered.c_str(), left_out.c_str(),
                json_string(xml).c_str());
  }

 private:
  static const Node* find(const Node& node) {
    if (node.is(label::kCatalogNs, "catalog")) return &node;
    for (const Node& child : node.children())
      if (!child.is_text())
        if (const Node* found = find(child)) return found;
    return nullptr;
  }
  static std::string selector(const Node& item) {
    const auto* written = item.attribute("selector");
    return written ? std::string(*written) : "";
  }
  static std::string why(policy::Reason objection, const std::string& detail) {
    return std::string(policy::code(objection)) + (detail.empty() ? "" : " (" + detail + ")");
  }

  const policy::Bundle& bundle_;
  const LabelPolicies& policies_;
  const LabelView& view_;
  const policy::Memory memory_;
  policy::Scratch scratch_;
  inspect::TreeEditor editor_;
  Node* catalog_ = nullptr;
  std::vector<std::string> selectors_;  // of the items with a label
  std::vector<policy::CatalogItemJudged> items_;
};

void run(const Options& options) {
  const LabelPolicies policies(options.common.policies, options.common.lenient_order);
  const LabelView view = view_or_end(options.common);
  const auto& given = policies.bundle();
  if (!given) end_command(2, "a catalog needs a policy file or bundle: it says what may cross");
  const policy::Bundle& bundle = *given;
  if (bundle.is_off(policy::Stage::Label))
    end_command(1, "the policy switches the stage 'label' off: catalogs cross as they are");
  const inspect::Jid from = address_or_end(options.from), to = address_or_end(options.to);
  CatalogMaker maker(bundle, policies, view);
  if (options.file.empty()) {
    maker.offer_all(to);
  } else {
    maker.read(options.file);
  }
  maker.cut_or_end(from, to);
  if (options.common.json) {
    maker.print_json();
  } else {
    maker.print_plain();
  }
}

}  // namespace

CLI::App* add_label_catalog(CLI::App& label) {
  auto options = std::make_shared<Options>();
  auto* command = label.add_subcommand("catalog", "print the label catalog as it may cross to a partner");
  add_label_options(*command, options->common);
  command->add_option("--from", options->from, "the domain or user whose labels they are")->required();
  command->add_option("--to", options->to, "the domain or user that is to see them")->required();
  command->add_option("file", options->file,
                      "a catalog to be cut (else: the labels of the policy file); - for standard input");
  command->callback([options] { run(*options); });
  return command;
}

}  // namespace sallyport::commands
