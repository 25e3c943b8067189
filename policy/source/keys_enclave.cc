// [enclave.NAME] and its domains.
#include "policy/source/key_forms.h"
#include "policy/source/keys.h"

namespace sallyport::policy::source {

Section<EnclaveText> enclave_section() {
  using E = EnclaveText;
  return {
      "[enclave.NAME]",
      "A network side and the domains it owns. An enclave speaks for these and for no others, whatever its edge "
      "says.",
      {required(tables<E, DomainText>("domain", "[[enclave.NAME.domain]]", domain_section(),
                                      "One [[enclave.NAME.domain]] for each server of the enclave.",
                                      [](E& e, const toml::node&) -> DomainText& { return e.domains.emplace_back(); })),
       choice<E>("revocation", &E::revocation,
                 {{"required", RevocationRule::Required}, {"soft", RevocationRule::Soft}, {"off", RevocationRule::Off}},
                 "`required`: a peer's certificate must be known not to be revoked; `soft`: it must not be known to "
                 "be revoked; `off`: nobody asks."),
       domains<E>("withdrawn", &E::withdrawn,
                  "Domains that are gone for good: peers hear `host-gone` in place of `host-unknown`."),
       table<E, EnclaveLabelsText>("labels", enclave_labels_section(), "The table [enclave.NAME.labels].",
                                   [](E& e) -> EnclaveLabelsText& { return e.labels; })}};
}

Section<DomainText> domain_section() {
  using D = DomainText;
  return {"[[enclave.NAME.domain]]",
          "A home domain: one server.",
          {required(Key<D>{"name", "domain", "", "The domain of its accounts.", false,
                           [](Reading& in, const toml::node& node, D& out) {
                             if (auto written = in.domain(node)) out.name = std::move(*written);
                           }}),
           domains<D>("components", &D::components,
                      "Further domains of that server, such as its rooms. Each needs to be named in a peering of its "
                      "own accord.")}};
}

}  // namespace sallyport::policy::source
