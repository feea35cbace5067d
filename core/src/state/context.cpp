#include "state/context.hpp"

#include <charconv>

#include "host/kernel.hpp"

namespace chinwag {

turn_clock::turn_clock() : began_us_(kernel::monotonic_us()), turn_us_(began_us_) {
  begin_turn(0);
}

void turn_clock::begin_turn(std::uint32_t waited_ms) {
  constexpr std::uint64_t pause_us = 1'000'000;
  const std::uint64_t now_us = kernel::monotonic_us();
  const std::uint64_t expected_us = turn_us_ + std::uint64_t{waited_ms} * 1'000;
  const bool paused = now_us > expected_us + pause_us && !planted(fault::pause_is_silence);
  if (paused) began_us_ += now_us - expected_us;
  turn_us_ = now_us;
  now_ = static_cast<tick_ms>((turn_us_ - began_us_) / 1'000);
  const auto written =
      std::to_chars(timestamp_.data(), timestamp_.data() + timestamp_.size(), kernel::unix_ms());
  timestamp_size_ = static_cast<std::uint8_t>(written.ptr - timestamp_.data());
}

std::uint64_t turn_clock::spent_us() const {
  return kernel::monotonic_us() - turn_us_;
}

}  // namespace chinwag
