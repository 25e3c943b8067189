#include "proxy/edge/resolver.h"

#include <algorithm>
#include <array>
#include <deque>
#include <fstream>
#include <optional>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <unbound.h>

#include "inspect/jid.h"

namespace sallyport::edge {
namespace {

using boost::system::error_code;

constexpr int kTypeA = 1, kTypeAaaa = 28, kTypeSrv = 33, kClassIn = 1;
constexpr int kNoError = 0, kNxDomain = 3;

// Zones that libunbound answers for by itself with "no such name" or an address of this machine. An enclave may use
// them, and its own servers are the only ones that know.
constexpr const char* kBuiltInZones[] = {"test.", "invalid.", "onion.", "home.arpa.", "localhost."};

constexpr std::pair<const char*, const char*> kOptions[] = {
    {"unblock-lan-zones:", "yes"},      // the private reverse zones likewise
    {"do-not-query-localhost:", "no"},  // a forwarder may be on this machine
    {"num-queries-per-thread:", "1024"},
    {"cache-max-negative-ttl:", "60"},
    // A forwarder that was away is asked again soon, not in a quarter of an hour.
    {"infra-host-ttl:", "30"},
    {"infra-keep-probing:", "yes"},
};

struct FreeResult {
  void operator()(ub_result* result) const { ub_resolve_free(result); }
};
using ResultPtr = std::unique_ptr<ub_result, FreeResult>;

std::string forwarder_text(const boost::asio::ip::udp::endpoint& forwarder) {
  return forwarder.address().to_string() + "@" + std::to_string(forwarder.port());
}

std::vector<std::string_view> records_of(const ub_result& result) {
  std::vector<std::string_view> records;
  for (std::size_t at = 0; result.data[at] != nullptr; ++at)
    records.emplace_back(result.data[at], static_cast<std::size_t>(result.len[at]));
  return records;
}

template <class Bytes>
std::optional<Bytes> octets(std::string_view rdata) {
  Bytes bytes;
  if (rdata.size() != bytes.size()) return std::nullopt;
  std::ranges::copy(rdata, bytes.begin());
  return bytes;
}

std::optional<boost::asio::ip::address> parse_address(int type, std::string_view rdata) {
  using boost::asio::ip::address_v4, boost::asio::ip::address_v6;
  boost::asio::ip::address address;
  if (type == kTypeA) {
    const auto bytes = octets<address_v4::bytes_type>(rdata);
    if (!bytes) return std::nullopt;
    address = address_v4(*bytes);
  } else {
    const auto bytes = octets<address_v6::bytes_type>(rdata);
    if (!bytes) return std::nullopt;
    address = address_v6(*bytes);
  }
  if (address.is_unspecified() || address.is_multicast()) return std::nullopt;
  return address;
}

bool is_local(const boost::asio::ip::address& address) {
  using boost::asio::ip::v4_mapped;
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return is_local(boost::asio::ip::make_address_v4(v4_mapped, address.to_v6()));
  if (address.is_v6()) return address.is_loopback() || address.to_v6().is_link_local();
  // 169.254.0.0/16 (RFC 3927), and 0.0.0.0/8, which Linux takes for this machine.
  const auto octets = address.to_v4().to_bytes();
  return address.is_loopback() || (octets[0] == 169 && octets[1] == 254) || octets[0] == 0;
}

}  // namespace

// One lookup: first the SRV questions side by side, then the addresses of all targets side by side.
class Resolver::Lookup {
 public:
  Lookup(Resolver& resolver, LookupId id, Done done)
      : resolver_(resolver), id_(id), deadline_(resolver.context_), done_(std::move(done)) {}
  ~Lookup() { stop(); }

  void start(std::string_view domain, certs::Service service, Clock::time_point deadline) {
    const bool of_clients = service == certs::Service::XmppClient;
    port_ = of_clients ? kClientPort : kServerPort;
    deadline_.expires_at(deadline);
    deadline_.async_wait([resolver = std::weak_ptr(resolver_.self_), id = id_](error_code cancelled) {
      const auto alive = resolver.lock();
      if (!cancelled && alive) (*alive)->finish(id, std::unexpected(NameFault::Deadline));
    });
    ascii_ = inspect::Jid::to_ascii(domain);
    if (ascii_.empty()) return end(std::unexpected(NameFault::NoName));
    const std::string rest = std::string(of_clients ? "-client" : "-server") + "._tcp." + ascii_ + ".";
    ask("_xmpp" + rest, kTypeSrv, 0);
    if (resolver_.settings_.direct_tls) ask("_xmpps" + rest, kTypeSrv, 1);
    if (unanswered_ == 0) on_services();
  }

  // No answer of libunbound will be told from here on.
  void stop() {
    deadline_.cancel();
    for (const Question& question : questions_)
      if (question.pending) ub_cancel(resolver_.unbound_.get(), question.async_id);
    questions_.clear();
  }

  void keep(Addresses result) { result_ = std::move(result); }
  bool is_over() const { return result_.has_value(); }
  std::pair<Done, Addresses> take() {
    return {std::move(done_), std::move(result_).value_or(std::unexpected(NameFault::NoAnswer))};
  }

 private:
  struct Question {
    Lookup* lookup = nullptr;
    int type = 0;
    std::size_t index = 0;  // which SRV answer, or which target
    int async_id = 0;
    bool pending = false;
  };
  struct Target {
    SrvRecord record;
    std::vector<Address> v4, v6;
    bool failed = false;
  };

  void ask(const std::string& name, int type, std::size_t index) {
    // A deque keeps its elements where they are, and libunbound holds a pointer.
    Question& question = questions_.emplace_back(Question{this, type, index});
    ++unanswered_;
    const int error = ub_resolve_async(resolver_.unbound_.get(), name.c_str(), type, kClassIn, &question, on_answer,
                                       &question.async_id);
    question.pending = error == 0;
    if (error != 0) take_answer(question, nullptr);
  }

  static void on_answer(void* data, int error, ub_result* answer) {
    const ResultPtr result{answer};
    auto& question = *static_cast<Question*>(data);
    Lookup& lookup = *question.lookup;
    question.pending = false;
    lookup.take_answer(question, error == 0 ? result.get() : nullptr);
    if (lookup.unanswered_ > 0 || lookup.is_over()) return;
    if (question.type == kTypeSrv)
      lookup.on_services();
    else
      lookup.on_addresses();
  }

  void take_answer(const Question& question, const ub_result* result) {
    --unanswered_;
    if (question.type == kTypeSrv)
      take_services(services_[question.index], result);
    else
      take_addresses(targets_[question.index], question.type, result);
  }

  static bool is_answered(const ub_result* result) {
    return result != nullptr && (result->rcode == kNoError || result->rcode == kNxDomain);
  }

  static void take_services(SrvAnswer& into, const ub_result* result) {
    using State = SrvAnswer::State;
    if (result != nullptr && result->bogus != 0)
      into.state = State::Bogus;
    else if (!is_answered(result))
      into.state = State::Failed;
    else if (result->havedata != 0)
      into.state = State::Records;
    into.secure = result != nullptr && result->secure != 0;
    if (into.state != State::Records) return;
    for (const auto rdata : records_of(*result)) {
      auto record = parse_srv(rdata);
      if (!record) continue;
      record->secure = into.secure;
      into.records.push_back(*std::move(record));
    }
    // Records that can't be read are not the same as none.
    if (into.records.empty()) into.state = State::Failed;
  }

  void take_addresses(Target& target, int type, const ub_result* result) {
    if (result != nullptr && result->bogus != 0) bogus_ = true;
    if (!is_answered(result) || result->bogus != 0) {
      target.failed = true;
      return;
    }
    auto& into = type == kTypeA ? target.v4 : target.v6;
    for (const auto rdata : records_of(*result)) {
      const auto address = parse_address(type, rdata);
      if (!address || into.size() == kMostOfAFamily) continue;
      if (!resolver_.settings_.local_addresses && is_local(*address)) {
        local_ = true;
        continue;
      }
      const bool secure = result->secure != 0 && target.record.secure;
      into.push_back({{*address, target.record.port}, target.record.direct_tls, target.record.target, secure});
    }
  }

  void on_services() {
    auto planned = targets(ascii_, std::move(services_[0]), std::move(services_[1]), resolver_.random_, port_);
    if (!planned) return end(std::unexpected(planned.error()));
    is_fallback_ = planned->is_fallback;
    targets_.reserve(planned->records.size());
    for (SrvRecord& record : planned->records) targets_.push_back(Target{std::move(record), {}, {}});
    // The same name may stand in several records; the cache sees to that.
    for (std::size_t at = 0; at < targets_.size(); ++at) {
      for (const int type : {kTypeAaaa, kTypeA}) ask(targets_[at].record.target + ".", type, at);
    }
    if (unanswered_ == 0) on_addresses();
  }

  void on_addresses() {
    std::vector<Address> all;
    for (const Target& target : targets_) {
      const bool v6_first = resolver_.settings_.ipv6_first;
      for (const auto* family : {v6_first ? &target.v6 : &target.v4, v6_first ? &target.v4 : &target.v6})
        for (const Address& address : *family)
          if (all.size() < kMostAddresses && std::ranges::find(all, address) == all.end()) all.push_back(address);
    }
    if (!all.empty()) return end(std::move(all));
    if (bogus_) return end(std::unexpected(NameFault::Bogus));
    if (local_) return end(std::unexpected(NameFault::LocalAddress));
    // Targets that lead nowhere are a service that does not answer; a bare domain without addresses is no name.
    const bool failed = std::ranges::any_of(targets_, &Target::failed);
    end(std::unexpected(failed || !is_fallback_ ? NameFault::NoAnswer : NameFault::NoName));
  }

  void end(Addresses result) { resolver_.finish(id_, std::move(result)); }

  Resolver& resolver_;
  LookupId id_;
  boost::asio::steady_timer deadline_;
  Done done_;
  std::string ascii_;
  std::uint16_t port_ = 0;  // of the domain itself, where no record names one
  std::deque<Question> questions_;
  std::size_t unanswered_ = 0;
  std::array<SrvAnswer, 2> services_;  // STARTTLS, direct TLS
  std::vector<Target> targets_;
  bool is_fallback_ = false;
  bool bogus_ = false;
  bool local_ = false;  // an address was left out for what it is
  std::optional<Addresses> result_;
};

void Resolver::FreeContext::operator()(ub_ctx* context) const {
  ub_ctx_delete(context);
}

Resolver::Resolver(boost::asio::io_context& context, ResolverSettings settings, Random random)
    : context_(context),
      settings_(std::move(settings)),
      random_(std::move(random)),
      unbound_(ub_ctx_create()),
      readable_(context) {}

Resolver::~Resolver() {
  lookups_.clear();
  // The descriptor belongs to libunbound.
  if (readable_.is_open()) readable_.release();
}

std::expected<std::unique_ptr<Resolver>, std::string> Resolver::open(boost::asio::io_context& context,
                                                                     ResolverSettings settings, Random random) {
  std::unique_ptr<Resolver> resolver{new Resolver(context, std::move(settings), std::move(random))};
  if (auto done = resolver->set_up(); !done) return std::unexpected(done.error());
  return resolver;
}

std::expected<void, std::string> Resolver::set_up() {
  ub_ctx* unbound = unbound_.get();
  if (unbound == nullptr) return std::unexpected("the resolver library could not be set up");
  // Without one, the library would ask the root servers.
  if (settings_.forwarders.empty()) return std::unexpected("no DNS server is configured");
  const auto fault = [](const std::string& what, int error) {
    return std::unexpected(what + ": " + ub_strerror(error));
  };
  for (const auto& [option, value] : kOptions)
    if (const int error = ub_ctx_set_option(unbound, option, value)) return fault(option, error);
  for (const auto& forwarder : settings_.forwarders)
    if (const int error = ub_ctx_set_fwd(unbound, forwarder_text(forwarder).c_str()))
      return fault("DNS server " + forwarder_text(forwarder), error);
  // The library reads the file later, and says less about it.
  if (!settings_.anchor.empty() && !std::ifstream(settings_.anchor))
    return std::unexpected(settings_.anchor.string() + ": can't be read");
  if (!settings_.anchor.empty())
    if (const int error = ub_ctx_add_ta_file(unbound, settings_.anchor.c_str()))
      return fault(settings_.anchor.string(), error);
  // A thread, since the other way would be a second process with this one's keys in its memory.
  if (const int error = ub_ctx_async(unbound, 1)) return fault("no thread for the resolver", error);
  for (const char* zone : kBuiltInZones)
    if (const int error = ub_ctx_zone_remove(unbound, zone)) return fault("the resolver's settings", error);
  readable_.assign(ub_fd(unbound));
  return {};
}

Resolver::LookupId Resolver::resolve(std::string_view domain, certs::Service service, Clock::time_point deadline,
                                     Done done) {
  const bool overload = lookups_.size() >= kMostLookups;
  const LookupId id = ++last_id_;
  auto& lookup = *lookups_.emplace(id, std::make_unique<Lookup>(*this, id, std::move(done))).first->second;
  if (overload)
    finish(id, std::unexpected(NameFault::Overload));
  else
    lookup.start(domain, service, deadline);
  wait();
  return id;
}

void Resolver::cancel(LookupId id) {
  forget(id);
}

// Nothing is waited for without a lookup, so that an io_context with no other work can end.
void Resolver::forget(LookupId id) {
  lookups_.erase(id);
  error_code ignored;
  if (lookups_.empty() && waiting_) readable_.cancel(ignored);
}

void Resolver::wait() {
  if (waiting_ || lookups_.empty()) return;
  waiting_ = true;
  readable_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [resolver = std::weak_ptr(self_)](error_code failed) {
                         const auto alive = resolver.lock();
                         if (!alive) return;
                         Resolver& self = **alive;
                         self.waiting_ = false;
                         if (failed && failed != boost::asio::error::operation_aborted) return;
                         if (!failed) ub_process(self.unbound_.get());
                         self.wait();
                       });
}

// The answer goes out from the loop, so that whoever asked may ask again, cancel, or end the resolver.
void Resolver::finish(LookupId id, Addresses result) {
  const auto found = lookups_.find(id);
  if (found == lookups_.end() || found->second->is_over()) return;
  found->second->keep(std::move(result));
  boost::asio::post(context_, [resolver = std::weak_ptr(self_), id] {
    const auto alive = resolver.lock();
    if (!alive) return;
    auto& lookups = (*alive)->lookups_;
    const auto over = lookups.find(id);
    if (over == lookups.end()) return;
    auto [done, addresses] = over->second->take();
    (*alive)->forget(id);
    done(std::move(addresses));
  });
}

}  // namespace sallyport::edge
