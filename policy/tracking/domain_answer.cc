#include "policy/tracking/domain_answer.h"

#include "inspect/names.h"
#include "policy/label/xep0258.h"
#include "policy/tracking/request_grant.h"

namespace sallyport::policy {
namespace {

namespace ns = inspect::ns;
using inspect::Node;

Node* result(const Run& run, inspect::TreeEditor& edit) {
  Node* iq = edit.element(ns::kContent, "iq");
  edit.set_attribute(*iq, "from", run.facts.to.full);
  edit.set_attribute(*iq, "id", run.facts.id);
  edit.set_attribute(*iq, "to", run.facts.from.full);
  edit.set_attribute(*iq, "type", "result");
  return iq;
}

/// XEP-0258 3: who writes labels looks for the word that they are understood.
void describe_server(const Run& run, Node& query, inspect::TreeEditor& edit) {
  Node* identity = edit.append(query, ns::kDiscoInfo, "identity");
  edit.set_attribute(*identity, "category", "server");
  edit.set_attribute(*identity, "type", "im");
  const auto feature = [&](std::string_view var) {
    edit.set_attribute(*edit.append(query, ns::kDiscoInfo, "feature"), "var", var);
  };
  for (const std::string_view var : {ns::kDiscoInfo, ns::kDiscoItems, ns::kPing}) feature(var);
  if (run.labels_judged) feature(ns::kLabel);
  if (grants(run.peering->requests, Target::Domain, "get", label::kCatalogNs)) feature(label::kCatalogNs);
}

void list_components(const Run& run, Node& query, inspect::TreeEditor& edit) {
  const Domain& asked = *run.bundle.domain(run.facts.to.domain);
  const Domain& asker = *run.bundle.domain(run.facts.from.domain);
  for (const Domain& each : run.bundle.tables().domains) {
    if (&run.bundle.home_of(each) != &asked || run.bundle.is_home(each)) continue;
    if (run.bundle.peering(asker, each) == nullptr) continue;
    edit.set_attribute(*edit.append(query, ns::kDiscoItems, "item"), "jid", each.name);
  }
}

}  // namespace

const Node* domain_answer(const Run& run, const Node& payload) {
  if (run.facts.type != "get") return nullptr;
  inspect::TreeEditor edit(run.scratch.arena);
  if (payload.is(ns::kPing, "ping")) return result(run, edit);
  // What a node is about is the server's own affair.
  if (payload.name != "query" || payload.attribute("node") != nullptr) return nullptr;
  if (payload.ns == ns::kDiscoInfo) {
    Node* iq = result(run, edit);
    describe_server(run, *edit.append(*iq, ns::kDiscoInfo, "query"), edit);
    return iq;
  }
  if (payload.ns == ns::kDiscoItems) {
    Node* iq = result(run, edit);
    list_components(run, *edit.append(*iq, ns::kDiscoItems, "query"), edit);
    return iq;
  }
  return nullptr;
}

}  // namespace sallyport::policy
