#include "proxy/guard/letter.h"

namespace sallyport::guard {

ReturnAddress ReturnAddress::of(const policy::StanzaFacts& facts) {
  ReturnAddress address;
  address.kind = facts.kind.value_or(policy::Kind::Message);
  address.to_service = facts.to_service;
  address.type = facts.type;
  address.id = facts.id;
  address.from = facts.from.full;
  address.to = facts.to.full;
  return address;
}

policy::StanzaFacts ReturnAddress::facts() const {
  policy::StanzaFacts facts;
  facts.kind = kind;
  facts.type = type;
  facts.id = id;
  facts.from = policy::Address::of_prepared(from);
  facts.to = policy::Address::of_prepared(to);
  facts.to_service = to_service;
  return facts;
}

}  // namespace sallyport::guard
