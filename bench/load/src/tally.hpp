#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "clock.hpp"
#include "histogram.hpp"
#include "ledger.hpp"

namespace chinwag::load {

// The part of a hold that is measured, between warm-up and drain.
struct window {
  std::int64_t begin_ns;
  std::int64_t end_ns;

  bool holds(std::int64_t ns) const { return begin_ns <= ns && ns < end_ns; }
};

// Deliveries of messages planned within a short part of the window.
struct delay_bin {
  std::uint64_t deliveries = 0;
  double sum_ns = 0;

  double mean_ns() const { return deliveries == 0 ? 0 : sum_ns / static_cast<double>(deliveries); }
};

// Counts what a hold sends and what its panel gets: the connections that are parsed from begin to
// end. sent, expected, delivered and delays belong to the messages planned within the window;
// faults count in the warm-up, too, and totals are of everything.
class tally {
 public:
  explicit tally(const window& measured);

  struct audience {
    std::uint32_t all;
    std::uint32_t panel;
  };

  void add_sent(std::int64_t planned_ns, const audience& deliveries, std::int64_t now_ns);
  void add_arrival(arrival kind, std::int64_t planned_ns, std::size_t wire_bytes,
                   std::int64_t now_ns);
  // One that was parsed outside of the panel: its faults count, its time doesn't.
  void add_outside(arrival kind, std::int64_t now_ns);
  void add_corrupted() { ++corrupted_; }
  // From when it was really sent until the kernel had it.
  void add_service(std::int64_t planned_ns, std::int64_t service_ns);

  std::uint64_t sent() const { return sent_; }
  std::uint64_t expected() const { return expected_; }
  std::uint64_t expected_of_panel() const { return panel_expected_; }
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
  std::array<std::uint64_t, 4> quarter_deliveries() const;
  // By planned send time; each quarter has as many bins, the last one may be a little shorter.
  double bin_s() const { return ns_to_seconds(bin_ns_); }
  const std::vector<delay_bin>& bins() const { return bins_; }
  const histogram& service() const { return service_; }
  const histogram& latency() const { return latency_; }
  const histogram& send_lag() const { return send_lag_; }

 private:
  delay_bin quarter(std::size_t number) const;

  window window_;
  std::uint64_t sent_ = 0;
  std::uint64_t expected_ = 0;
  std::uint64_t panel_expected_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t arrived_within_ = 0;  // whenever it was planned
  std::uint64_t duplicated_ = 0;
  std::uint64_t reordered_ = 0;
  std::uint64_t corrupted_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t wire_bytes_ = 0;
  std::int64_t outstanding_ = 0;  // of the panel: expected - received, warm-up included
  // Time under way: within the window of what was planned before it, and after the window of what
  // was planned within it.
  std::int64_t carried_in_ns_ = 0;
  std::int64_t carried_out_ns_ = 0;
  std::int64_t bin_ns_;
  std::vector<delay_bin> bins_;
  histogram latency_;
  histogram service_;
  histogram send_lag_;
};

}  // namespace chinwag::load
