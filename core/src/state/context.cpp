#include "state/context.hpp"

#include <charconv>

#include "host/kernel.hpp"

namespace chinwag {

turn_clock::turn_clock() : began_us_(kernel::monotonic_us()) {
  begin_turn();
}

void turn_clock::begin_turn() {
  turn_us_ = kernel::monotonic_us();
  now_ = static_cast<tick_ms>((turn_us_ - began_us_) / 1'000);
  const auto written =
      std::to_chars(timestamp_.data(), timestamp_.data() + timestamp_.size(), kernel::unix_ms());
  timestamp_size_ = static_cast<std::uint8_t>(written.ptr - timestamp_.data());
}

std::uint64_t turn_clock::spent_us() const {
  return kernel::monotonic_us() - turn_us_;
}

}  // namespace chinwag
