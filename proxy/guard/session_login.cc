// A session from the server's offer until it stands (protocol.md 3.1 to 3.8): what the client is shown, the login as it
// passes, and the address that the server confirms.
#include <algorithm>
#include <utility>

#include "inspect/jid.h"
#include "proxy/guard/session.h"

namespace sallyport::guard {

using airlock::Binding;
using airlock::CloseKind;
using airlock::Feature;
using airlock::OfferStage;
using airlock::SaslStep;
using inspect::Jid;
using inspect::Mechanism;
using inspect::Mechanisms;
using inspect::SaslCondition;
using policy::Reason;

namespace {

Mechanisms without_plus(Mechanisms all) {
  Mechanisms kept;
  for (unsigned i = 0; i <= static_cast<unsigned>(inspect::kLastMechanism); ++i) {
    const auto each = static_cast<Mechanism>(i);
    if (all.has(each) && !inspect::is_plus(each)) kept.add(each);
  }
  return kept;
}

std::string words(Mechanisms all) {
  std::string text;
  for (unsigned i = 0; i <= static_cast<unsigned>(inspect::kLastMechanism); ++i) {
    const auto each = static_cast<Mechanism>(i);
    if (all.has(each)) text.append(text.empty() ? "" : " ").append(inspect::name(each));
  }
  return text;
}

}  // namespace

void Session::on_offer(const airlock::Offer& offer) {
  const bool session = turn_ == Turn::SessionOffer;
  if (offer.stage != (session ? OfferStage::Session : OfferStage::Authentication))
    return alarm(*server_, "Offer", "of another stage");
  if (session) return on_session_offer(offer);
  const auto all = Mechanisms::of_bits(offer.mechanisms);
  if (!all) return alarm(*server_, "Offer", "unknown mechanisms");
  Mechanisms cut = *all & *Mechanisms::of_bits(login_->mechanisms);
  if (negotiation_->accounts.empty() && cut.has(Mechanism::External)) {
    Mechanisms external;
    external.add(Mechanism::External);
    cut = *Mechanisms::of_bits(cut.bits() & ~external.bits());
  }
  // Both or neither: a list of types without such a mechanism makes clients give up, and so does the reverse (3.3).
  std::uint32_t bindings = login_->end_point ? offer.bindings & airlock::bit(Binding::TlsServerEndPoint) : 0;
  if (bindings == 0) cut = without_plus(cut);
  if (without_plus(cut) == cut) bindings = 0;
  if (cut.empty()) return end(Reason::SessionNothingToOffer, {{"server", words(*all)}});
  negotiation_->offered = cut;
  negotiation_->offered_to_client = true;
  if (offer.stanza_octets != 0) server_->stanza_octets = offer.stanza_octets;
  airlock::Offer shown;
  shown.stage = OfferStage::Authentication;
  shown.mechanisms = cut.bits();
  shown.bindings = bindings;
  lane_.send(*client_, shown);
  note(Reason::SessionOffered, {{"server", words(*all)}, {"client", words(cut)}});
  enter(Turn::Auth, turn_ends_);
}

void Session::on_session_offer(const airlock::Offer& offer) {
  constexpr std::uint32_t kPassed = airlock::bit(Feature::Bind) | airlock::bit(Feature::ClientState) |
                                    airlock::bit(Feature::RosterVersioning) | airlock::bit(Feature::PreApproval) |
                                    airlock::bit(Feature::Session);
  if ((offer.features & airlock::bit(Feature::Bind)) == 0) return end(Reason::SessionNothingToOffer);
  if (offer.stanza_octets != 0) server_->stanza_octets = offer.stanza_octets;
  negotiation_->features = offer.features & airlock::kAllFeatures;
  airlock::Offer shown;
  shown.stage = OfferStage::Session;
  // design.md section 10: stream management is offered on each leg for itself.
  shown.features = (negotiation_->features & kPassed) | airlock::bit(Feature::StreamManagement);
  shown.stanza_octets = lane_.bundle->limits().leg_octets;
  if (server_->stanza_octets != 0) shown.stanza_octets = std::min(shown.stanza_octets, server_->stanza_octets);
  lane_.send(*client_, shown);
  enter(Turn::Bind, turn_ends_);
}

void Session::on_client_step(const airlock::Sasl& step) {
  if (step.step == SaslStep::Auth) return on_auth(step);
  if (step.step == SaslStep::Abort) {
    lane_.send(*server_, step);
    negotiation_->told = SaslCondition::Aborted;
    return enter(Turn::Aborting, turn_ends_);
  }
  auto& exchange = negotiation_->exchange;
  if (!exchange) return alarm(*client_, "Sasl", "no login is under way");
  const bool is_first = std::exchange(negotiation_->first_due, false);
  if (const auto refused = exchange->from_client(step.octets)) return abort_login(*refused);
  if (belies_header()) return;
  if (is_first && is_too_soon()) return abort_login(SaslCondition::TemporaryAuthFailure);
  lane_.send(*server_, step);
  enter(Turn::Answer, turn_ends_);
}

std::optional<SaslCondition> Session::judge_auth(const airlock::Sasl& step) {
  Negotiation& login = *negotiation_;
  if (!login.offered.has(step.mechanism)) return SaslCondition::InvalidMechanism;
  login.exchange.emplace(step.mechanism, domain_);
  login.account.clear();
  login.first_due = !step.has_octets;
  if (step.mechanism == Mechanism::External) {
    // R4: the client's certificate says who it is; what it asks for may only repeat that.
    login.account = login.accounts.front();
    if (!step.has_octets || step.octets.empty())
      return login.accounts.size() == 1 ? std::nullopt : std::optional(SaslCondition::InvalidAuthzid);
    const auto asked = Jid::parse(step.octets, inspect::JidProfile::Unicode);
    if (!asked || std::ranges::find(login.accounts, asked->full()) == login.accounts.end())
      return SaslCondition::InvalidAuthzid;
    login.account = asked->full();
    return std::nullopt;
  }
  if (login.first_due) return std::nullopt;
  return login.exchange->from_client(step.octets);
}

/// STR-15: what a client says in its header has to be whom it logs in as. Ends the session if it is not.
bool Session::belies_header() {
  const Negotiation& login = *negotiation_;
  std::string_view account = login.account;
  if (account.empty() && login.exchange) account = login.exchange->claim().account;
  if (login.claim.empty() || account.empty() || login.claim == account) return false;
  end(Reason::SessionOtherClaim, {{"header", login.claim}, {"account", std::string(account)}});
  return true;
}

LoginTries::Try Session::login_try() const {
  const auto& exchange = negotiation_->exchange;
  return {client_enclave_, exchange ? std::string_view(exchange->claim().account) : "", negotiation_->source};
}

/// D-12: whether logins of the account that the client claims, or from where it is, have failed too often for another
/// try now.
bool Session::is_too_soon() {
  // Who it claims to be is not known before its first message has come.
  if (negotiation_->first_due || !is_guess()) return false;
  const LoginTries::Try login = login_try();
  const auto [wait, because] = lane_.settings.login_tries->wait(login, lane_.now.steady);
  if (wait == wait.zero()) return false;
  const bool of_account = because == LoginTries::Count::Account;
  note(of_account ? Reason::SessionLoginTooSoon : Reason::SessionSourceTooSoon,
       {{"account", std::string(login.account)}, {"milliseconds", std::to_string(wait.count())}});
  return true;
}

/// A certificate has proved who it is: nobody guesses with it.
bool Session::is_guess() const {
  const auto& exchange = negotiation_->exchange;
  return exchange && exchange->mechanism() != Mechanism::External;
}

void Session::on_auth(const airlock::Sasl& step) {
  if (const auto refused = judge_auth(step)) return fail_login(*refused, "guard");
  if (belies_header()) return;
  if (is_too_soon()) return fail_login(SaslCondition::TemporaryAuthFailure, "guard");
  if (step.mechanism == Mechanism::External) {
    airlock::Sasl own;
    own.step = SaslStep::Auth;
    own.mechanism = Mechanism::External;
    own.has_octets = true;
    own.octets = std::string_view(negotiation_->account);
    lane_.send(*server_, own);
  } else {
    lane_.send(*server_, step);
  }
  enter(Turn::Answer, turn_ends_);
}

void Session::on_server_step(const airlock::Sasl& step) {
  Negotiation& login = *negotiation_;
  if (step.step == SaslStep::Failure) {
    // What the server finds wrong counts; that it can't look, or that a login was given up, says nothing of who tries.
    if (!login.told && step.condition != SaslCondition::TemporaryAuthFailure && is_guess())
      lane_.settings.login_tries->fail(login_try(), lane_.now.steady);
    const auto condition = login.told.value_or(inspect::told(inspect::name(step.condition), login_->accounts_hidden));
    const bool by_guard = login.told && *login.told != SaslCondition::Aborted;
    login.told.reset();
    return fail_login(condition, by_guard ? "guard" : "server");
  }
  // It was told that the login is over, and lets it succeed.
  if (turn_ == Turn::Aborting) return server_fault("success after an abort");
  if (step.step == SaslStep::Success) return on_success(step);
  if (!login.exchange) return alarm(*server_, "Sasl", "no login is under way");
  const bool external = login.exchange->mechanism() == Mechanism::External;
  // RFC 6120 6.4.2: without an initial response the server asks for one with an empty challenge.
  const bool asks_for_first = login.first_due && step.octets.empty();
  if (external || (!asks_for_first && !login.exchange->from_server(step.octets))) {
    note(Reason::SessionServerFault, server_.get(), {{"why", "a challenge that the mechanism does not know"}});
    return abort_login(SaslCondition::TemporaryAuthFailure);
  }
  lane_.send(*client_, step);
  enter(Turn::Response, turn_ends_);
}

void Session::on_success(const airlock::Sasl& step) {
  Negotiation& login = *negotiation_;
  if (!login.exchange) return alarm(*server_, "Sasl", "no login is under way");
  const bool external = login.exchange->mechanism() == Mechanism::External;
  const auto octets = step.has_octets ? std::optional(step.octets.view()) : std::nullopt;
  if (external ? octets && !octets->empty() : !login.exchange->succeed(octets))
    return server_fault("a success that the mechanism does not know");
  const relay::Claim& claim = login.exchange->claim();
  if (!external) lane_.settings.login_tries->succeed(login_try());
  if (!external) login.account = claim.account;
  Details details{{"mechanism", std::string(inspect::name(login.exchange->mechanism()))}, {"account", login.account}};
  if (claim.channel_binding != 0) details.emplace_back("channel_binding", std::string(1, claim.channel_binding));
  if (!claim.binding_type.empty()) details.emplace_back("binding_type", claim.binding_type);
  note(Reason::SessionLogin, std::move(details));
  login.exchange.reset();
  lane_.send(*client_, step);
  enter(Turn::SessionOffer, turn_ends_);
}

/// The client hears it, and may try again, but not for ever.
void Session::fail_login(SaslCondition condition, std::string_view by) {
  Negotiation& login = *negotiation_;
  Details details{{"condition", std::string(inspect::name(condition))}, {"by", std::string(by)}};
  if (login.exchange) {
    details.emplace_back("mechanism", std::string(inspect::name(login.exchange->mechanism())));
    const std::string& account = login.account.empty() ? login.exchange->claim().account : login.account;
    details.emplace_back("account", account);
  }
  note(Reason::SessionLoginFailed, std::move(details));
  login.exchange.reset();
  airlock::Sasl failure;
  failure.step = SaslStep::Failure;
  failure.condition = condition;
  lane_.send(*client_, failure);
  if (++login.failures >= login_->tries) return end(Reason::SessionTooManyLogins);
  enter(Turn::Auth, turn_ends_);
}

void Session::abort_login(SaslCondition told) {
  airlock::Sasl abort;
  abort.step = SaslStep::Abort;
  lane_.send(*server_, abort);
  negotiation_->told = told;
  enter(Turn::Aborting, turn_ends_);
}

void Session::on_bind(const airlock::Bind& bind) {
  if (++negotiation_->binds > kMostAttempts) return end(Reason::SessionTooManyBinds);
  airlock::Bind asked;
  if (!bind.resource.empty()) {
    // The server says what it becomes; what it is asked for is prepared.
    const auto prepared = Jid::parse(domain_ + "/" + bind.resource, inspect::JidProfile::Unicode);
    if (!prepared) {
      note(Reason::SessionBindRefused, {{"by", "guard"}, {"condition", "bad-request"}});
      airlock::Bound refused;
      refused.condition = inspect::StanzaCondition::BadRequest;
      return lane_.send(*client_, refused);
    }
    asked.resource = prepared->resource();
  }
  lane_.send(*server_, asked);
  enter(Turn::Bound, turn_ends_);
}

void Session::on_bound(const airlock::Bound& bound) {
  if (bound.jid.empty()) {
    note(Reason::SessionBindRefused, {{"by", "server"}, {"condition", std::string(inspect::name(bound.condition))}});
    lane_.send(*client_, bound);
    return enter(Turn::Bind, turn_ends_);
  }
  // C-09: the identity is what the server confirms, for whom has logged in.
  const auto jid = Jid::parse(bound.jid, inspect::JidProfile::Unicode);
  // Of a mechanism that does not show the account only the header may have named one.
  const std::string& account = negotiation_->account.empty() ? negotiation_->claim : negotiation_->account;
  const bool own = jid && !jid->local().empty() && !jid->resource().empty() && jid->domain() == domain_ &&
                   (account.empty() || jid->bare() == account);
  if (!own) return end(Reason::SessionIdentity, {{"account", account}, {"confirmed", bound.jid}});
  auto state = std::make_unique<SessionState>();
  state->crossing = serial_;
  state->jid = jid->full();
  state->client_enclave = client_enclave_;
  state->domain = domain_;
  state->features = negotiation_->features;
  state->ledger = policy::presence::Ledger(lane_.settings.secret,  // D-34: its contacts are named by others
                                           policy::presence::kMostOfSession);
  airlock::Bound told;
  told.jid = state->jid;
  lane_.send(*client_, told);
  stand(std::move(state));
  note(Reason::SessionBound, {{"jid", state_->jid}});
}

/// Stanzas may flow from now on.
void Session::stand(std::unique_ptr<SessionState> state) {
  state_ = std::move(state);
  negotiation_.reset();
  for (const Way way : {Way::ToServer, Way::ToClient}) {
    Direction& direction = state_->way(way);
    direction.in_base = direction.passage.came();
    direction.out_base = direction.passage.left();
  }
  lane_.sessions_by_crossing.insert_or_assign(state_->crossing, serial_);
  lane_.without_legs.erase(state_->crossing);
  enter(Turn::Open);
  grant(*client_);
  grant(*server_);
}

void Session::grant(SessionLeg& leg) {
  lane_.enter(leg, Phase::Open);
  const airlock::Credit first = leg.lent.open();
  airlock::Grant grant;
  grant.octets = first.octets;
  grant.stanzas = first.stanzas;
  lane_.send(leg, grant);
}

}  // namespace sallyport::guard
