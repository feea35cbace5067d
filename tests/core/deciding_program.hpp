#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include "chat_client.hpp"
#include "chinwag/event_queue.hpp"

namespace chinwag::test {

// Events as a program on another thread gets them.
class deciding_program {
 public:
  explicit deciding_program(event_choice wanted, options settings = {.ping_interval_ms = 60'000})
      : poller_([this] { ring(); }), server(std::move(settings), handlers_for(wanted)) {}

  // The next event; waits at most 5 s.
  event next() {
    if (taken_.empty()) {
      std::unique_lock locked(guard_);
      rung_.wait_for(locked, std::chrono::seconds(5), [this] { return rings_ > 0; });
      rings_ = 0;
      taken_ = poller_.take();
    }
    EXPECT_FALSE(taken_.empty()) << "no event in 5 s";
    if (taken_.empty()) return {};
    event first = std::move(taken_.front());
    taken_.erase(taken_.begin());
    return first;
  }

  void decide(const event& about, verdict outcome) {
    EXPECT_TRUE(server.engine.decide({{about.ticket, std::move(outcome)}}));
  }

 private:
  handlers handlers_for(event_choice wanted) { return poller_.make_handlers(wanted); }
  void ring() {
    const std::lock_guard locked(guard_);
    ++rings_;
    rung_.notify_one();
  }

  std::mutex guard_;
  std::condition_variable rung_;
  int rings_ = 0;
  std::vector<event> taken_;
  event_queue poller_;

 public:
  running_server server;
};

}  // namespace chinwag::test
