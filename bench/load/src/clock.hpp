#pragma once

#include <cstdint>
#include <ctime>

namespace chinwag::load {

inline constexpr std::int64_t ns_per_s = 1'000'000'000;
inline constexpr std::int64_t ns_per_ms = 1'000'000;
inline constexpr std::int64_t never_ns = INT64_MAX;

inline std::int64_t read_clock_ns(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return time.tv_sec * ns_per_s + time.tv_nsec;
}

// All delays are measured on this clock: planned times and arrivals are of one host.
inline std::int64_t monotonic_ns() {
  return read_clock_ns(CLOCK_MONOTONIC);
}

// Only compared with the kernel's receive time stamps, which are in real time.
inline std::int64_t realtime_ns() {
  return read_clock_ns(CLOCK_REALTIME);
}

inline std::int64_t seconds_to_ns(double seconds) {
  return static_cast<std::int64_t>(seconds * static_cast<double>(ns_per_s));
}

inline double ns_to_seconds(std::int64_t ns) {
  return static_cast<double>(ns) / static_cast<double>(ns_per_s);
}

inline double ns_to_ms(double ns) {
  return ns / static_cast<double>(ns_per_ms);
}

}  // namespace chinwag::load
