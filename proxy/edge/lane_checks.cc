// How a lane finds out whether clients can log in to a server (protocol.md C-04).
#include <utility>

#include <boost/asio/post.hpp>

#include "proxy/edge/lane.h"

namespace sallyport::edge {

void Lane::check_login(const std::string& domain, bool certificate, LoginCheck check) {
  const airlock::LegId id = kChecks | (2 * ++checks_made_ + 1);
  const airlock::Dial wanted = check.dial();
  checks_.emplace(id, Check{domain, certificate, std::move(check)});
  dial(0, id, wanted);
}

void Lane::refuse_logins(const std::string& domain, bool certificate, const std::string& why) {
  if (why.empty())
    refused_logins_.erase({domain, certificate});
  else
    refused_logins_.insert_or_assign({domain, certificate}, why);
}

/// In the guard's place.
void Lane::on_check_frame(airlock::LegId id, const airlock::Body& body) {
  const auto found = checks_.find(id);
  if (found == checks_.end()) return;
  Check& each = found->second;
  if (auto answer = each.check.on_frame(body)) {
    // Not from inside the leg's own call.
    boost::asio::post(context_, [this, id, frame = std::move(*answer)] {
      if (const auto leg = legs_.find(id); leg != legs_.end()) std::shared_ptr(leg->second)->on_frame(0, frame);
    });
  }
  if (const auto& finding = each.check.finding(); finding && !std::exchange(each.told, true) && reports_.checked)
    reports_.checked(each.domain, each.certificate, *finding);
  if (std::holds_alternative<airlock::Closed>(body) || std::holds_alternative<airlock::Failed>(body))
    checks_.erase(found);
}

}  // namespace sallyport::edge
