#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "ids.hpp"

namespace chinwag {

// The time of a turn: read once at its beginning, so that a publish costs no clock. Timestamps are
// Unix milliseconds, already as text.
class turn_clock {
 public:
  turn_clock();

  void begin_turn();

  tick_ms now() const { return now_; }
  std::string_view timestamp() const { return {timestamp_.data(), timestamp_size_}; }

  // Microseconds since the turn began: this one asks the system.
  std::uint64_t spent_us() const;

 private:
  std::uint64_t began_us_ = 0;  // monotonic
  std::uint64_t turn_us_ = 0;
  tick_ms now_ = 0;
  std::array<char, 20> timestamp_{};
  std::uint8_t timestamp_size_ = 0;
};

}  // namespace chinwag
