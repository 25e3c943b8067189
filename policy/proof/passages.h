// Who may write to whom across the boundary, and by what. Addresses are a list of representatives: what is not in the
// list is like something that is.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "policy/bundle.h"
#include "policy/label_judge.h"
#include "policy/label_path.h"
#include "policy/proof/claim.h"

namespace sallyport::policy::proof {

/// A way across the boundary: between servers by a peering, or in clients' sessions by a login.
struct Way {
  LabelWay label;  ///< which enclaves, and the number of what grants it (bundle.h grant())
  const Peering* grant = nullptr;
  const Login* login = nullptr;
  bool from_client = false;  ///< in a session: to its server

  bool is_off(const Bundle& bundle, Stage stage) const;
};

/// An address that stands for all that no rule and no clearance tells from it, and where it is.
struct Party {
  std::optional<std::uint16_t> domain;  ///< none: one that no enclave owns
  std::string bare;
  const Login* login = nullptr;  ///< of the session; nullptr between servers
  bool is_client = false;        ///< it is the session's client, else somebody whom that reaches by its server
};
Station station(const Bundle& bundle, const Party& party);

/// Who may write to whom on a way.
struct Passage {
  Way way;
  std::vector<Party> from, to;

  /// A server must not say to a client what another enclave's domain may not say to the account (protocol.md 5.4).
  bool grants(const Bundle& bundle, const Party& sender, const Party& addressee, Kind kind) const;
};
/// All of the claim: one for each route, two for each login. `take` stops it by false.
void each_passage(const Bundle& bundle, const Claim& claim, const std::function<bool(const Passage&)>& take);

/// Numbers for addresses: those with one number are alike to rules, to clearances and to default labels. One for each
/// bundle, which outlives it.
class Sorts {
 public:
  explicit Sorts(const Bundle& bundle) : bundle_(bundle) {}
  std::size_t of(const Party& party);

 private:
  const Bundle& bundle_;
  std::map<std::tuple<std::string, std::size_t, bool>, std::size_t> known_;  // by address, login, whether the client
  std::map<std::string, std::size_t> numbers_;                               // by what is seen of it
};

/// Whether one side of a rule is about the address.
bool is_about(const Bundle& bundle, const Side& side, const Party& party);

}  // namespace sallyport::policy::proof
