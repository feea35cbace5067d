#include "bounds.hpp"

#include <algorithm>

namespace simulation {

namespace {

constexpr std::uint64_t units_per_look = 64;  // of work, between two looks at the clock
constexpr std::uint64_t chunk_bytes = 128 * 1024;
constexpr std::uint64_t outbox_bytes_ample = 256 * 1024;
constexpr std::uint64_t message_bytes_max = 65'536;

std::uint64_t requests_of(const chinwag::stats& numbers) {
  std::uint64_t all = numbers.http_requests;
  for (const std::uint64_t of_kind : numbers.messages_in) all += of_kind;
  return all;
}

}  // namespace

void bounds::check_received(std::uint32_t number, std::uint64_t bytes) {
  if (bytes <= limits_.read_bytes_per_turn) return;
  trace_.violate("turn: read_bytes_per_turn",
                 std::to_string(bytes) + " of client " + std::to_string(number));
}

void bounds::check(const turn_sample& turn) {
  unblocked_ = unblocked_ && !turn.blocked;
  check_served(turn.now);
  check_memory(turn);
  check_relief(turn);
  check_backlog(turn);
  before_ = turn.now;
}

// Every request is a unit of work at least, and no look at the clock is free on this kernel: so
// many looks a turn has, and a share of one connection may have begun before the last.
void bounds::check_served(const chinwag::stats& now) {
  const std::uint64_t served = requests_of(now) - requests_of(before_);
  const std::uint64_t looks = limits_.turn_us + 8;
  if (served <= looks * units_per_look) return;
  trace_.violate("turn: requests have a share of it", std::to_string(served) + " in one turn");
}

// Once memory is full nothing that makes it grow is served: of each connection what was under way
// is read to its end, and served.
void bounds::check_memory(const turn_sample& turn) {
  const std::uint64_t unread = limits_.read_bytes_per_turn + limits_.header_bytes_max;
  const std::uint64_t message =
      limits_.echo ? std::max<std::uint64_t>(limits_.echo_bytes_max, message_bytes_max)
                   : message_bytes_max;
  const std::uint64_t frame = std::max<std::uint64_t>(turn.largest_frame, chunk_bytes);
  const std::uint64_t of_each = 2 * (unread + message) + outbox_bytes_ample + frame;
  const std::uint64_t most = limits_.memory_bytes_max + turn.connections * of_each + 2 * frame;
  if (turn.now.memory_bytes <= most) return;
  trace_.violate("memory_bytes_max", std::to_string(turn.now.memory_bytes) + " bytes, more than " +
                                         std::to_string(most));
}

// While memory is full nobody is served, so it may not stay so: somebody gives way, however little
// each of those who fill it holds.
void bounds::check_relief(const turn_sample& turn) {
  constexpr std::uint64_t soon_us = 1'000'000;
  constexpr std::uint64_t soon_turns = 200;
  if (turn.now.memory_bytes < limits_.memory_bytes_max) {
    full_since_us_ = full_turns_ = 0;
    return;
  }
  if (full_turns_++ == 0) full_since_us_ = turn.now_us;
  if (full_turns_ < soon_turns || turn.now_us - full_since_us_ < soon_us) return;
  trace_.violate("memory_bytes_max: those who hold most give way",
                 "memory is full for " + std::to_string(full_turns_) + " turns");
}

// A room with more than room_backlog_bytes_max to be sent is not read for: each connection can have
// published once more. What members have had is kept until the pass over them is done, in a room
// that has no members any more as well.
void bounds::check_backlog(const turn_sample& turn) {
  if (!unblocked_ || turn.directs || 2 * turn.largest_frame > chunk_bytes) return;
  const std::uint64_t of_room =
      2 * (limits_.room_backlog_bytes_max + (turn.connections + 1) * turn.largest_frame);
  // A room may be made and left within a turn.
  const auto join = static_cast<std::size_t>(chinwag::request::join);
  const std::uint64_t joins = turn.now.messages_in[join] - before_.messages_in[join];
  rooms_ = std::max({rooms_, turn.now.rooms, before_.rooms + joins});
  const std::uint64_t most = rooms_ * (2 + 2 * of_room / chunk_bytes);
  if (turn.now.log_chunks <= most) return;
  trace_.violate(
      "room_backlog_bytes_max",
      std::to_string(turn.now.log_chunks) + " pieces of logs, more than " + std::to_string(most));
}

}  // namespace simulation
