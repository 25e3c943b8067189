#include "proxy/edge/managed_stream.h"

#include <algorithm>
#include <utility>

#include "proxy/edge/session_text.h"

namespace sallyport::edge {
namespace {

constexpr std::string_view kAckRequest = "<r xmlns='urn:xmpp:sm:3'/>";
constexpr std::uint64_t kWorthTelling = 10;  // protocol.md 4.3

}  // namespace

void ManagedStream::count_reads(std::uint32_t h) {
  reads_.emplace(read_, h);
  read_before_ = told_ = wanted_at_ = read_;
}

void ManagedStream::count_writes(std::uint32_t h) {
  writes_.emplace(delivered_, h);
  delivered_before_ = delivered_;
}

void ManagedStream::stop_counting() {
  reads_.reset();
  writes_.reset();
  delivered_before_.reset();
  asked_at_.reset();
}

/// Says what may be acknowledged. Stanzas from before the counting are handled too, and do not count.
void ManagedStream::answer(const relay::AckCounter& reads, Actions& out) {
  told_ = std::max(handled_, read_before_);
  owes_ = told_ != read_;
  out.emplace_back(Write{ack_element(reads.h(told_))});
}

void ManagedStream::on_handled(const airlock::Handled& handled, Actions& out) {
  handled_ = std::max(handled_, handled.number);
  if (!reads_ || handled_ <= told_ || !may_write()) return;
  if (owes_ || handled_ - told_ >= kWorthTelling) answer(*reads_, out);
}

bool ManagedStream::take_ack(ElementKind kind, const inspect::Node& element, Actions& out) {
  if (kind == ElementKind::SmRequest) {
    if (!reads_) return false;
    if (may_write()) answer(*reads_, out);
    // Asking again for the same stanzas would tell nobody anything new.
    if (owes_ && wanted_at_ != read_ && is_open()) {
      wanted_at_ = read_;
      airlock::Sm wanted;
      wanted.step = airlock::SmStep::AckWanted;
      out.emplace_back(Ask{std::move(wanted)});
    }
    return true;
  }
  if (!writes_) return false;
  on_answer(*writes_, element, out);
  return true;
}

void ManagedStream::on_answer(relay::AckCounter& writes, const inspect::Node& element, Actions& out) {
  const auto h = read_h(element);
  if (!h) return fail({inspect::StreamCondition::BadFormat, "an <a/> without a count", {}}, out);
  const std::uint64_t before = writes.acknowledged();
  const auto arrived = writes.acknowledge(*h, delivered_);
  if (!arrived) {
    const std::uint32_t sent = writes.h(delivered_);
    return fail({inspect::StreamCondition::UndefinedCondition, "more was acknowledged than was sent", {}}, out,
                too_high(*h, sent));
  }
  if (*arrived != before) out.emplace_back(Ask{airlock::Settled{*arrived}});
  const auto asked_at = std::exchange(asked_at_, std::nullopt);
  // What was written behind the request needs another one; what was before it and is not here yet will be told.
  if (asked_at && *asked_at < delivered_ && *arrived < delivered_ && may_write()) {
    asked_at_ = delivered_;
    out.emplace_back(Write{std::string(kAckRequest)});
  }
}

std::string_view ManagedStream::ack_request() {
  if (!writes_ || asked_at_ || writes_->acknowledged() >= delivered_ || !may_write()) return {};
  asked_at_ = delivered_;
  return kAckRequest;
}

void ManagedStream::on_ack_wanted(Actions& out) {
  if (const std::string_view request = ack_request(); !request.empty()) out.emplace_back(Write{std::string(request)});
}

/// A peer that is not told what has arrived takes it for lost, and sends it elsewhere.
void ManagedStream::last_words(Actions& out) {
  if (reads_ && std::max(handled_, read_before_) != told_) answer(*reads_, out);
}

}  // namespace sallyport::edge
