#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace chinwag {

// The requests of chat/1, and what was none of them, as counted in stats::messages_in.
enum class request : std::uint8_t { join, leave, message, direct, heartbeat, unknown, refused };
inline constexpr std::size_t request_kinds = 7;

// The codes of chat/1's error answers, as counted in stats::errors.
enum class refusal : std::uint8_t {
  bad_request,
  not_joined,
  no_such_user,
  too_many_rooms,
  rate_limited,
  forbidden,
  unavailable,
};
inline constexpr std::size_t refusal_kinds = 7;

// Close codes from 1000 to 1015 are counted by themselves, all others in the last place.
inline constexpr std::size_t close_kinds = 17;

// Upper bounds of the turn durations' buckets; the last bucket has none.
inline constexpr std::array<std::uint32_t, 10> turn_bounds_us = {
    50, 100, 250, 500, 1'000, 2'000, 5'000, 10'000, 50'000, 250'000};

// The wire's name of a refusal, and the refusal of a name; false if there is none.
const char* refusal_name(refusal kind);
bool find_refusal(std::string_view name, refusal& found);

// What a server did since it began, and what it holds now. A copy: it does not change by itself.
struct stats {
  std::uint64_t connections = 0;
  std::uint64_t rooms = 0;
  std::uint64_t members = 0;

  std::uint64_t accepted = 0;
  std::uint64_t accept_failures = 0;
  std::uint64_t upgrades = 0;
  std::uint64_t http_requests = 0;
  std::array<std::uint64_t, request_kinds> messages_in{};
  std::uint64_t publishes = 0;
  std::uint64_t deliveries = 0;  // frames of a room written to one member
  std::uint64_t direct_deliveries = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t send_calls = 0;
  std::uint64_t turns = 0;
  std::uint64_t turn_us = 0;
  std::array<std::uint64_t, turn_bounds_us.size() + 1> turn_buckets{};
  std::uint64_t slow_consumers = 0;
  std::uint64_t skipped_bytes = 0;
  std::array<std::uint64_t, close_kinds> closes{};
  std::array<std::uint64_t, refusal_kinds> errors{};
  std::uint64_t log_chunks = 0;
  std::uint64_t memory_bytes = 0;  // of logs and buffers: what memory_bytes_max bounds
};

// One number of stats by its field's name. `kind` says which of several: the request, the refusal,
// the close code or the turn's bound in microseconds; null for a field of its own.
struct named_count {
  const char* name;
  const char* kind;
  std::uint64_t value;
};

// All numbers in the order of the struct.
std::vector<named_count> name_counts(const stats& counted);

}  // namespace chinwag
