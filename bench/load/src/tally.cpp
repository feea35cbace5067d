#include "tally.hpp"

#include <algorithm>

namespace chinwag::load {

namespace {

constexpr std::size_t quarters = 4;
constexpr std::int64_t bin_ns_max = 100 * ns_per_ms;

// The fewest that fill the quarters and are no longer than 100 ms.
std::size_t bins_of(std::int64_t length_ns) {
  const std::int64_t per_quarter = length_ns / static_cast<std::int64_t>(quarters) / bin_ns_max;
  const bool whole = per_quarter * bin_ns_max * static_cast<std::int64_t>(quarters) == length_ns;
  return static_cast<std::size_t>(per_quarter + (whole ? 0 : 1)) * quarters;
}

}  // namespace

tally::tally(const window& measured) : window_(measured) {
  const std::int64_t length_ns = std::max<std::int64_t>(window_.end_ns - window_.begin_ns, 1);
  bins_.resize(bins_of(length_ns));
  const auto count = static_cast<std::int64_t>(bins_.size());
  bin_ns_ = (length_ns + count - 1) / count;
}

void tally::add_sent(std::int64_t planned_ns, const audience& deliveries, std::int64_t now_ns) {
  outstanding_ += deliveries.panel;
  if (window_.holds(planned_ns)) {
    ++sent_;
    expected_ += deliveries.all;
    panel_expected_ += deliveries.panel;
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
    delay_bin& bin = bins_[static_cast<std::size_t>((planned_ns - window_.begin_ns) / bin_ns_)];
    ++delivered_;
    latency_.record(delay_ns);
    ++bin.deliveries;
    bin.sum_ns += static_cast<double>(delay_ns);
    carried_out_ns_ += std::max<std::int64_t>(now_ns - window_.end_ns, 0);
  } else if (planned_ns < window_.begin_ns) {
    const std::int64_t left_ns = std::min(now_ns, window_.end_ns);
    carried_in_ns_ += std::max<std::int64_t>(left_ns - window_.begin_ns, 0);
  }
}

void tally::add_outside(arrival kind, std::int64_t now_ns) {
  switch (kind) {
    case arrival::foreign:
      ++corrupted_;
      return;
    case arrival::duplicate:
      ++duplicated_;
      return;
    case arrival::reordered:
      ++reordered_;
      break;
    case arrival::first:
      break;
  }
  arrived_within_ += window_.holds(now_ns) ? 1 : 0;
}

void tally::add_service(std::int64_t planned_ns, std::int64_t service_ns) {
  if (window_.holds(planned_ns)) {
    service_.record(service_ns);
  }
}

delay_bin tally::quarter(std::size_t number) const {
  const std::size_t count = bins_.size() / quarters;
  delay_bin sum;
  for (std::size_t i = number * count; i < (number + 1) * count; ++i) {
    sum.deliveries += bins_[i].deliveries;
    sum.sum_ns += bins_[i].sum_ns;
  }
  return sum;
}

std::array<double, 4> tally::quarter_mean_ns() const {
  return {quarter(0).mean_ns(), quarter(1).mean_ns(), quarter(2).mean_ns(), quarter(3).mean_ns()};
}

std::array<std::uint64_t, 4> tally::quarter_deliveries() const {
  return {quarter(0).deliveries, quarter(1).deliveries, quarter(2).deliveries,
          quarter(3).deliveries};
}

}  // namespace chinwag::load
