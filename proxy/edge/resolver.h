// Finds the addresses of a domain's XMPP server by the enclave's own DNS servers, and by no others (T-01).
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "certs/names.h"
#include "proxy/edge/srv_order.h"

struct ub_ctx;

namespace sallyport::edge {

/// Where a domain's server may be reached. Its certificate is checked for the domain, never for `target` (DNS-07).
struct Address {
  boost::asio::ip::tcp::endpoint at;
  bool direct_tls = false;
  std::string target{};  ///< the name that has this address
  bool secure = false;   ///< DNSSEC has vouched for the target and its address
  bool operator==(const Address&) const = default;
};

struct ResolverSettings {
  std::vector<boost::asio::ip::udp::endpoint> forwarders;  ///< one at least
  std::filesystem::path anchor{};                          ///< DNSSEC anchors; empty: no validation
  bool ipv6_first = true;
  bool direct_tls = false;  ///< ask for _xmpps-server and _xmpps-client too
  /// Take loopback and link-local addresses too. Otherwise whoever answers for a domain could lead the edge to services
  /// of its own machine and link.
  bool local_addresses = false;
};

/// One belongs to one io_context, and all calls must come from there. It keeps a cache, and a thread of its own that
/// asks the forwarders (libunbound); answers are handed over through a descriptor that the io_context waits on.
class Resolver {
 public:
  using Addresses = std::expected<std::vector<Address>, NameFault>;
  using Done = std::function<void(Addresses)>;
  using LookupId = std::uint64_t;
  using Clock = std::chrono::steady_clock;

  static constexpr std::size_t kMostLookups = 256;
  static constexpr std::size_t kMostAddresses = 32;
  static constexpr std::size_t kMostOfAFamily = 4;  ///< addresses of one target

  /// The error is for the operator.
  static std::expected<std::unique_ptr<Resolver>, std::string> open(boost::asio::io_context& context,
                                                                    ResolverSettings settings, Random random);
  /// Ends all lookups without an answer.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Looks up a prepared domain. `done` is called once, never from inside this call, at the deadline at the latest;
  /// best address first, never an empty list.
  LookupId resolve(std::string_view domain, certs::Service service, Clock::time_point deadline, Done done);
  /// `done` of this lookup will not be called. Does nothing if it was.
  void cancel(LookupId id);

  std::size_t lookups() const { return lookups_.size(); }

 private:
  class Lookup;
  struct FreeContext {
    void operator()(ub_ctx* context) const;
  };

  Resolver(boost::asio::io_context& context, ResolverSettings settings, Random random);
  std::expected<void, std::string> set_up();
  void wait();
  void forget(LookupId id);
  void finish(LookupId id, Addresses result);

  boost::asio::io_context& context_;
  ResolverSettings settings_;
  Random random_;
  std::unique_ptr<ub_ctx, FreeContext> unbound_;
  boost::asio::posix::stream_descriptor readable_;
  bool waiting_ = false;
  LookupId last_id_ = 0;
  std::map<LookupId, std::unique_ptr<Lookup>> lookups_;
  std::shared_ptr<Resolver*> self_ = std::make_shared<Resolver*>(this);  // handlers hold it weakly
};

}  // namespace sallyport::edge
