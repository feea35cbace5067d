#include "turn_clock.hpp"

#include <time.h>

#include <charconv>

namespace chinwag {

namespace {

std::uint64_t monotonic_us() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000;
}

// The coarse clock is a read of memory and its few milliseconds of error are below what a
// timestamp in chat promises.
std::uint64_t unix_ms() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

}  // namespace

turn_clock::turn_clock() : began_us_(monotonic_us()) {
  begin_turn();
}

void turn_clock::begin_turn() {
  turn_us_ = monotonic_us();
  now_ = static_cast<tick_ms>((turn_us_ - began_us_) / 1'000);
  const auto written =
      std::to_chars(timestamp_.data(), timestamp_.data() + timestamp_.size(), unix_ms());
  timestamp_size_ = static_cast<std::uint8_t>(written.ptr - timestamp_.data());
}

std::uint64_t turn_clock::spent_us() const {
  return monotonic_us() - turn_us_;
}

}  // namespace chinwag
