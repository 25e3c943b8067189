// Asks all lanes at once.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "proxy/guard/lane_thread.h"

namespace sallyport::guard {

inline constexpr std::chrono::seconds kLaneAnswer{5};

/// What each lane answers to `ask`, which is given a function to call with it. Waits: a lane answers between two
/// batches.
template <class Answer, class Ask>
std::vector<Answer> gather(const std::vector<std::unique_ptr<LaneThread>>& lanes, Ask ask) {
  std::vector<std::future<Answer>> awaited;
  for (const auto& lane : lanes) {
    auto promise = std::make_shared<std::promise<Answer>>();
    awaited.push_back(promise->get_future());
    ask(*lane, [promise](Answer answer) { promise->set_value(std::move(answer)); });
  }
  std::vector<Answer> answers;
  const auto deadline = std::chrono::steady_clock::now() + kLaneAnswer;
  for (auto& each : awaited) {
    if (each.wait_until(deadline) == std::future_status::ready) answers.push_back(each.get());
  }
  return answers;
}

}  // namespace sallyport::guard
