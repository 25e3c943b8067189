#include "proxy/guard/letter.h"

namespace sallyport::guard {

void Letter::write(const policy::StanzaFacts& facts, std::string_view xml, std::string_view awaited) {
  origin = {};
  injection = false;
  repeats = 0;
  waited = {};
  record = 0;
  kind_ = facts.kind.value_or(policy::Kind::Message);
  to_service_ = facts.to_service;
  const std::array parts = {facts.type, facts.id, facts.from.full, facts.to.full, awaited};
  std::size_t size = xml.size();
  for (const std::string_view part : parts) size += part.size();
  text_.clear();
  text_.reserve(size);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    text_ += parts[i];
    ends_[i] = static_cast<std::uint32_t>(text_.size());
  }
  text_ += xml;
}

policy::StanzaFacts Letter::facts() const {
  policy::StanzaFacts facts;
  facts.kind = kind_;
  facts.type = type();
  facts.id = id();
  facts.from = policy::Address::of_prepared(from());
  facts.to = policy::Address::of_prepared(to());
  facts.to_service = to_service_;
  return facts;
}

Waiting kept(const Released& stanza) {
  Waiting waiting;
  waiting.letter.write(stanza.facts, stanza.xml, stanza.awaited);
  waiting.letter.origin = stanza.origin;
  waiting.record = stanza.stanza_record();
  waiting.stored_as = stanza.stored_as;
  return waiting;
}

}  // namespace sallyport::guard
