#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "histogram.hpp"
#include "ledger.hpp"

namespace chinwag::load {

// The part of a hold that is measured, between warm-up and drain.
struct window {
  std::int64_t begin_ns;
  std::int64_t end_ns;

  bool holds(std::int64_t ns) const { return begin_ns <= ns && ns < end_ns; }
};

// Counts what a hold sends and gets. sent, expected, delivered and delays belong to the messages
// planned within the window; faults count in the warm-up, too, and totals are of everything.
class tally {
 public:
  explicit tally(const window& measured) : window_(measured) {}

  void add_sent(std::int64_t planned_ns, std::uint32_t deliveries, std::int64_t now_ns);
  void add_arrival(arrival kind, std::int64_t planned_ns, std::size_t wire_bytes,
                   std::int64_t now_ns);
  void add_corrupted() { ++corrupted_; }

  std::uint64_t sent() const { return sent_; }
  std::uint64_t expected() const { return expected_; }
  std::uint64_t delivered() const { return delivered_; }
  std::uint64_t arrived_within() const { return arrived_within_; }
  std::uint64_t duplicated() const { return duplicated_; }
  std::uint64_t reordered() const { return reordered_; }
  std::uint64_t corrupted() const { return corrupted_; }
  std::int64_t outstanding() const { return outstanding_; }
  std::int64_t carried_in_ns() const { return carried_in_ns_; }
  std::int64_t carried_out_ns() const { return carried_out_ns_; }
  std::uint64_t received() const { return received_; }
  std::uint64_t wire_bytes() const { return wire_bytes_; }
  std::array<double, 4> quarter_mean_ns() const;
  const std::array<std::uint64_t, 4>& quarter_deliveries() const { return quarter_count_; }
  const histogram& latency() const { return latency_; }
  const histogram& send_lag() const { return send_lag_; }

 private:
  std::size_t quarter_of(std::int64_t planned_ns) const;

  window window_;
  std::uint64_t sent_ = 0;
  std::uint64_t expected_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t arrived_within_ = 0;  // whenever it was planned
  std::uint64_t duplicated_ = 0;
  std::uint64_t reordered_ = 0;
  std::uint64_t corrupted_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t wire_bytes_ = 0;
  std::int64_t outstanding_ = 0;  // expected - received, warm-up included
  // Time under way: within the window of what was planned before it, and after the window of what
  // was planned within it.
  std::int64_t carried_in_ns_ = 0;
  std::int64_t carried_out_ns_ = 0;
  std::array<double, 4> quarter_sum_ns_{};
  std::array<std::uint64_t, 4> quarter_count_{};
  histogram latency_;
  histogram send_lag_;
};

}  // namespace chinwag::load
