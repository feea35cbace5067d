#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "chinwag/options.hpp"
#include "chinwag/stats.hpp"
#include "trace.hpp"

namespace simulation {

// What the bounds of a turn depend on.
struct turn_sample {
  chinwag::stats now{};
  std::size_t connections = 0;    // that the server holds
  std::size_t largest_frame = 0;  // that anything asked for so far can have led to
  bool directs = false;           // something was sent to a user: there may be logs of users
  std::uint64_t now_us = 0;
  bool blocked = false;  // some client did not take all that it was sent
};

// Holds a shard to what core/include/chinwag/options.hpp and docs/decisions/0006 promise of every
// turn: what it serves, what it keeps, and how far a room's members fall behind.
class bounds {
 public:
  bounds(const chinwag::options& limits, trace& log) : limits_(limits), trace_(log) {}

  void check_received(std::uint32_t number, std::uint64_t bytes);
  void check(const turn_sample& turn);
  // From now on nothing waits for anybody.
  void rested() {
    unblocked_ = true;
    rooms_ = 0;
  }

 private:
  void check_served(const chinwag::stats& now);
  void check_memory(const turn_sample& turn);
  void check_relief(const turn_sample& turn);
  void check_backlog(const turn_sample& turn);

  const chinwag::options limits_;
  trace& trace_;
  chinwag::stats before_{};
  std::uint64_t rooms_ = 0;          // at most, since all was at rest
  std::uint64_t full_since_us_ = 0;  // 0: memory is not full
  std::uint64_t full_turns_ = 0;
  bool unblocked_ = true;  // everybody has taken all since all was at rest
};

}  // namespace simulation
