// A leg's TLS: how it begins, what is made of the certificate, and when that does not hold any more.
#include <algorithm>
#include <limits>
#include <utility>

#include "proxy/edge/lane.h"
#include "proxy/edge/leg.h"

namespace sallyport::edge {
namespace {

using airlock::LegKind;
using Peers = config::Listener::Peers;

/// How long OCSP responders have in all; the peer waits for so long.
constexpr std::chrono::seconds kOcsp{5};

trust::Visitors visitors(Peers peers) {
  switch (peers) {
    case Peers::Servers:
      return trust::Visitors::Servers;
    case Peers::Clients:
      return trust::Visitors::Clients;
    case Peers::ByAlpn:
      break;
  }
  return trust::Visitors::Both;
}

trust::Asked asked(config::ClientCertificates wanted) {
  switch (wanted) {
    case config::ClientCertificates::None:
      return trust::Asked::No;
    case config::ClientCertificates::Optional:
      return trust::Asked::Yes;
    case config::ClientCertificates::Required:
      break;
  }
  return trust::Asked::Required;
}

}  // namespace

void Leg::begin_tls(const std::string& server_name) {
  encode_text();
  if (const auto answer = admission().begin_handshake(source()); answer != Admission::Answer::Admit) {
    machine_->on_tls_failed(name(answer), conversation_->actions());
    return;
  }
  in_handshake_turn_ = true;
  const auto& contexts = *lane_.settings().contexts;
  const auto how = direct_tls_ ? trust::Start::Direct : trust::Start::StartTls;
  trust::SslPtr ssl;
  if (listener_)
    ssl = contexts.accept(server_name, visitors(listener_->peers), asked(lane_.settings().config.client_certificates));
  else if (kind_ == LegKind::S2s)
    ssl = contexts.connect(machine_->near_domain(), machine_->peer_domain(), how);
  else
    ssl = contexts.connect_for_client(machine_->peer_domain(), how, dialled_ && dialled_->dial.certificate);
  if (!ssl) {
    end_handshake_turn();
    machine_->on_tls_failed("no certificate for the domain", conversation_->actions());
    return;
  }
  tls_ = std::make_unique<TlsEngine>(std::move(ssl));
  link_ = Link::Handshake;
  if (!is_accepted()) take_handshake({});
}

void Leg::end_handshake_turn() {
  if (std::exchange(in_handshake_turn_, false)) admission().end_handshake(source());
}

std::optional<boost::asio::ip::address> Leg::source() const {
  return is_accepted() ? std::optional(peer_.address()) : std::nullopt;
}

void Leg::take_handshake(std::string_view in) {
  const auto state = tls_->handshake(in, wire_);
  if (!wire_.empty()) touch();
  if (state == TlsEngine::State::More) return;
  end_handshake_turn();
  if (state == TlsEngine::State::Done) return on_established(in);
  // What is left is the alert; drop() sends it if it can.
  machine_->on_tls_failed(tls_->why().empty() ? "closed during the handshake" : tls_->why(), conversation_->actions());
  pump();
}

void Leg::on_established(std::string_view rest) {
  const auto session = trust::finished(tls_->ssl());
  if (!session) {
    machine_->on_tls_failed(session.error(), conversation_->actions());
    return pump();
  }
  link_ = Link::Secure;
  dialled_.reset();
  settle_kind(session->service);
  if (ask_responder()) {
    stash_.assign(rest);
    return;
  }
  tell_secure(*session);
  pump();
  take(rest);
}

/// T-17: where neither a list nor the handshake tells the state of the peer's certificate, a responder is asked before
/// the peer is heard.
bool Leg::ask_responder() {
  using Role = trust::Anchors::Role;
  const Settings& settings = lane_.settings();
  if (settings.config.ocsp_responders.empty()) return false;
  const Role role = is_accepted() && kind_ == LegKind::C2s ? Role::Client : Role::Server;
  const auto question = settings.anchors->open_question(tls_->ssl(), role, seconds_now());
  if (!question) return false;
  query_ = std::make_shared<OcspQuery>(lane_.context(), settings.config, *question, Clock::now() + kOcsp,
                                       [asking = weak_from_this()](std::string der) {
                                         if (const auto leg = asking.lock()) leg->on_answer(std::move(der));
                                       });
  query_->start();
  return true;
}

void Leg::on_answer(std::string der) {
  query_.reset();
  if (link_ != Link::Secure) return;
  ocsp_answer_ = std::move(der);
  if (const auto session = trust::finished(tls_->ssl())) tell_secure(*session);
  advance();
}

void Leg::tell_secure(const trust::Session& session) {
  Secured secured;
  secured.tls = {true, direct_tls_, session.version, session.cipher, session.server_name};
  secured.judge = [this](std::string_view domain) {
    Judgement judgement = judge(domain, seconds_now());
    if (judgement.answer_ends != 0) lane_.look_after_by(judgement.answer_ends + 1);
    return judgement;
  };
  lane_.look_after_by(certificates_end());
  machine_->on_secure(std::move(secured), conversation_->actions());
}

/// On a port for both, only TLS has told whose stream this will be.
void Leg::settle_kind(trust::Service service) {
  if (!is_accepted() || service == service_of(kind_)) return;
  kind_ = LegKind::C2s;
  negotiation_left_ = std::min<Clock::duration>(negotiation_left_, limits().authentication);
  machine_ = accepting();
  conversation_ = std::make_unique<Conversation>(*machine_);
}

Judgement Leg::judge(std::string_view domain, std::int64_t now) const {
  const Settings& settings = lane_.settings();
  if (is_accepted() && kind_ == LegKind::C2s) return settings.judge_client(tls_->ssl(), domain, now, ocsp_answer_);
  return settings.judge(tls_->ssl(), domain, service_of(kind_), now, ocsp_answer_);
}

std::optional<std::string> Leg::objection(std::int64_t now) const {
  if (link_ == Link::Gone || link_ == Link::Lingering) return std::nullopt;
  const Settings& settings = lane_.settings();
  const auto& listeners = settings.config.listeners;
  if (listener_ && std::ranges::find(listeners, *listener_) == listeners.end()) return "its listener is gone";
  const std::string_view near = machine_->near_domain();
  if (!near.empty() && (!settings.serves(near) || !settings.contexts->has(near))) return "its face is gone";
  if (link_ != Link::Secure || machine_->peer_domain().empty()) return std::nullopt;
  const X509* shown = SSL_get_certificate(tls_->ssl());
  if (shown != nullptr && trust::ends(shown) < now) return "the certificate that we have shown has expired";
  const Judgement* told = machine_->judged();
  if (told == nullptr) return std::nullopt;
  const Judgement today = judge(machine_->peer_domain(), now);
  if (!today.good) return "the peer's certificate: " + today.facts.problem;
  // What the new fact means, the policy says when the peer is back.
  if (today.facts.revocation != told->facts.revocation) return "the revocation state of the peer's certificate is new";
  return std::nullopt;
}

std::int64_t Leg::certificates_end() const {
  if (link_ != Link::Secure) return std::numeric_limits<std::int64_t>::max();
  std::int64_t end = std::numeric_limits<std::int64_t>::max();
  if (const X509* shown = SSL_get_certificate(tls_->ssl())) end = trust::ends(shown);
  if (X509* peer = SSL_get0_peer_certificate(tls_->ssl())) end = std::min(end, trust::ends(peer));
  const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(tls_->ssl());
  for (int at = 0; chain != nullptr && at < sk_X509_num(chain); ++at)
    end = std::min(end, trust::ends(sk_X509_value(chain, at)));
  if (const Judgement* told = machine_->judged(); told != nullptr && told->answer_ends != 0)
    end = std::min(end, told->answer_ends);
  return end;
}

}  // namespace sallyport::edge
