// What the guard answers in a server's name, the same for everybody who may ask (protocol.md Q-13, P-22).
#pragma once

#include "policy/stage.h"

namespace sallyport::policy {

/// The whole answer to a request that is addressed to a home domain: to a ping, or to what the server offers
/// (XEP-0030): that it is one, whether labels (XEP-0258) are judged on the way to it and catalogs of them may be asked
/// for, and those of its components that a peering grants to the domain of the asker. Nothing else is public: nullptr.
/// Lives in the run's arena.
const inspect::Node* domain_answer(const Run& run, const inspect::Node& payload);

}  // namespace sallyport::policy
