#include "proxy/guard/recorder.h"

#include <utility>

namespace sallyport::guard {

void Recorder::submit(const audit::Record& record, OnRecord then) {
  if (backlog_.empty() && log_.submit(record) != 0) {
    waiting_.push_back(std::move(then));
    return;
  }
  Kept kept{record, std::move(then)};
  backlog_.push_back(std::move(kept));
}

void Recorder::push_backlog() {
  while (!backlog_.empty() && log_.submit(backlog_.front().record) != 0) {
    waiting_.push_back(std::move(backlog_.front().then));
    backlog_.pop_front();
  }
}

void Recorder::take_recorded(std::vector<Recorded>& out) {
  recorded_.clear();
  log_.take_recorded(recorded_);
  for (const audit::Recorded& entry : recorded_) {
    out.push_back({std::move(waiting_.front()), entry.number});
    waiting_.pop_front();
  }
  push_backlog();
}

}  // namespace sallyport::guard
