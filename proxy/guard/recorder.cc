#include "proxy/guard/recorder.h"

#include <string>
#include <utility>

#include "audit/format.h"

namespace sallyport::guard {
namespace {

void cut(std::string& text) {
  if (text.size() <= Recorder::kLongestDetail) return;
  const std::string end =
      std::string(audit::format::kCutBefore) + std::to_string(text.size()) + std::string(audit::format::kCutAfter);
  std::size_t kept = Recorder::kLongestDetail;
  while (kept > 0 && (static_cast<unsigned char>(text[kept]) & 0xC0U) == 0x80U) --kept;
  text.resize(kept);
  text.shrink_to_fit();
  text += end;
}

}  // namespace

bool Recorder::enqueue(const audit::Record& record) {
  if (log_.enqueue(record) == 0) return false;
  wakes_ = true;
  return true;
}

void Recorder::wake() {
  if (std::exchange(wakes_, false)) log_.wake();
}

void Recorder::submit(const audit::Record& record, OnRecord then) {
  if (backlog_.empty() && enqueue(record)) {
    waiting_.push() = std::move(then);
    return;
  }
  Kept kept{record, std::move(then)};
  backlog_.push_back(std::move(kept));
}

void Recorder::event(audit::EventRecord record) {
  for (auto& [name, value] : record.details) {
    cut(name);
    cut(value);
  }
  submit(audit::Record(std::move(record)), OnRecord{});
}

void Recorder::push_backlog() {
  while (!backlog_.empty() && enqueue(backlog_.front().record)) {
    waiting_.push() = std::move(backlog_.front().then);
    backlog_.pop_front();
  }
}

void Recorder::take_recorded(std::vector<Recorded>& out) {
  recorded_.clear();
  log_.take_recorded(recorded_);
  for (const audit::Recorded& entry : recorded_) {
    out.push_back({std::move(waiting_.front()), entry.number});
    waiting_.pop();
  }
  waiting_.release(kKeptPlaces);
  push_backlog();
}

}  // namespace sallyport::guard
