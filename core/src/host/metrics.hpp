#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "chinwag/stats.hpp"
#include "wire/image.hpp"

namespace chinwag {

// What the places of the arrays in stats are called.
inline constexpr std::array<const char*, request_kinds> request_names = {
    "join", "leave", "message", "direct", "heartbeat", "unknown", "refused"};

inline constexpr std::array<const char*, refusal_kinds> refusal_names = {
    "bad_request",  "not_joined", "no_such_user", "too_many_rooms",
    "rate_limited", "forbidden",  "unavailable"};

inline constexpr std::array<const char*, close_kinds> close_names = {
    "1000", "1001", "1002", "1003", "1004", "1005", "1006", "1007", "1008",
    "1009", "1010", "1011", "1012", "1013", "1014", "1015", "other"};

inline constexpr std::array<const char*, turn_bounds_us.size() + 1> turn_bound_names = {
    "50", "100", "250", "500", "1000", "2000", "5000", "10000", "50000", "250000", "more"};

// A number that one thread changes and any thread reads.
class counter {
 public:
  void add(std::uint64_t amount = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  std::uint64_t read() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// A shard's counters. The shard's thread writes, any thread may take a reading.
struct metrics {
  counter connections, rooms, members, log_chunks, memory_bytes;
  counter accepted, accept_failures, upgrades, http_requests;
  std::array<counter, request_kinds> messages_in;
  counter publishes, deliveries, direct_deliveries;
  counter bytes_in, bytes_out, send_calls;
  counter turns, turn_us;
  std::array<counter, turn_bounds_us.size() + 1> turn_buckets;
  counter slow_consumers, skipped_bytes;
  std::array<counter, close_kinds> closes;
  std::array<counter, refusal_kinds> errors;

  void count(request kind) { messages_in[static_cast<std::size_t>(kind)].add(); }
  void count(refusal kind) { errors[static_cast<std::size_t>(kind)].add(); }
  void count_close(std::uint16_t code);
  void count_turn(std::uint64_t duration_us);

  stats read() const;

  // What was counted so far, for a successor: what there is now it counts itself.
  void write(image_writer& to) const;
  void read_counted(image_reader& from);
};

// What a node of a cluster counts of its backplane.
struct backplane_counts {
  bool up = false;
  std::uint64_t published = 0;  // publications, each of one or more messages
  std::uint64_t lost = 0;       // messages that could not leave, or of which nobody knows
  std::uint64_t arrived = 0;    // messages of other nodes
  std::uint64_t dropped = 0;    // publications of other nodes that could not be served
};

// Prometheus text exposition format 0.0.4.
std::string prometheus_text(const stats& numbers);
std::string prometheus_text(const backplane_counts& numbers);

}  // namespace chinwag
