#include "tally.hpp"

#include <algorithm>

namespace chinwag::load {

void tally::add_sent(std::int64_t planned_ns, std::uint32_t deliveries, std::int64_t now_ns) {
  outstanding_ += deliveries;
  if (window_.holds(planned_ns)) {
    ++sent_;
    expected_ += deliveries;
    send_lag_.record(now_ns - planned_ns);
  }
}

void tally::add_arrival(arrival kind, std::int64_t planned_ns, std::size_t wire_bytes,
                        std::int64_t now_ns) {
  if (kind == arrival::foreign) {
    ++corrupted_;
    return;
  }
  if (kind == arrival::duplicate) {
    ++duplicated_;
    return;
  }
  reordered_ += kind == arrival::reordered ? 1 : 0;
  ++received_;
  wire_bytes_ += wire_bytes;
  --outstanding_;
  arrived_within_ += window_.holds(now_ns) ? 1 : 0;
  if (window_.holds(planned_ns)) {
    const std::int64_t delay_ns = now_ns - planned_ns;
    const std::size_t quarter = quarter_of(planned_ns);
    ++delivered_;
    latency_.record(delay_ns);
    quarter_sum_ns_[quarter] += static_cast<double>(delay_ns);
    ++quarter_count_[quarter];
    carried_out_ns_ += std::max<std::int64_t>(now_ns - window_.end_ns, 0);
  } else if (planned_ns < window_.begin_ns) {
    const std::int64_t left_ns = std::min(now_ns, window_.end_ns);
    carried_in_ns_ += std::max<std::int64_t>(left_ns - window_.begin_ns, 0);
  }
}

std::array<double, 4> tally::quarter_mean_ns() const {
  std::array<double, 4> means{};
  for (std::size_t i = 0; i < means.size(); ++i) {
    if (quarter_count_[i] > 0) {
      means[i] = quarter_sum_ns_[i] / static_cast<double>(quarter_count_[i]);
    }
  }
  return means;
}

std::size_t tally::quarter_of(std::int64_t planned_ns) const {
  const std::int64_t length_ns = window_.end_ns - window_.begin_ns;
  return static_cast<std::size_t>((planned_ns - window_.begin_ns) * 4 / length_ns);
}

}  // namespace chinwag::load
