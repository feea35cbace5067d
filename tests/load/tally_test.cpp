#include "tally.hpp"

#include <gtest/gtest.h>

namespace chinwag::load {
namespace {

constexpr window measured{1'000'000, 5'000'000};

TEST(tally, counts_only_what_was_planned_within_the_window) {
  tally counted(measured);
  counted.add_sent(999'999, {10, 10}, 999'999);
  counted.add_sent(1'000'000, {10, 10}, 1'200'000);
  counted.add_sent(4'999'999, {10, 10}, 4'999'999);
  EXPECT_EQ(counted.sent(), 2u);
  EXPECT_EQ(counted.expected(), 20u);
  EXPECT_EQ(counted.outstanding(), 30);
  EXPECT_EQ(counted.send_lag().max(), 200'000);
  counted.add_arrival(arrival::first, 999'999, 100, 1'500'000);
  counted.add_arrival(arrival::first, 4'999'999, 50, 5'500'000);
  EXPECT_EQ(counted.delivered(), 1u);
  EXPECT_EQ(counted.arrived_within(), 1u) << "the one of the warm-up came within the window";
  EXPECT_EQ(counted.outstanding(), 28);
  EXPECT_EQ(counted.latency().max(), 500'001);
  EXPECT_EQ(counted.received(), 2u);
  EXPECT_EQ(counted.wire_bytes(), 150u);
  EXPECT_EQ(counted.quarter_deliveries(), (std::array<std::uint64_t, 4>{0, 0, 0, 1}));
}

TEST(tally, keeps_faults_apart) {
  tally counted(measured);
  counted.add_sent(1'000'000, {3, 3}, 1'000'000);
  counted.add_arrival(arrival::first, 1'000'000, 1, 1'000'000);
  counted.add_arrival(arrival::duplicate, 1'000'000, 1, 1'000'000);
  counted.add_arrival(arrival::reordered, 1'000'000, 1, 1'000'000);
  counted.add_arrival(arrival::foreign, 1'000'000, 1, 1'000'000);
  counted.add_corrupted();
  EXPECT_EQ(counted.delivered(), 2u);
  EXPECT_EQ(counted.duplicated(), 1u);
  EXPECT_EQ(counted.reordered(), 1u);
  EXPECT_EQ(counted.corrupted(), 2u);
  EXPECT_EQ(counted.outstanding(), 1);
}

TEST(tally, knows_the_time_under_way_that_crosses_the_windows_ends) {
  tally counted(measured);
  counted.add_arrival(arrival::first, 500'000, 1, 900'000);
  EXPECT_EQ(counted.carried_in_ns(), 0) << "it was over before the window began";
  counted.add_arrival(arrival::first, 500'000, 1, 1'300'000);
  EXPECT_EQ(counted.carried_in_ns(), 300'000);
  counted.add_arrival(arrival::first, 500'000, 1, 6'000'000);
  EXPECT_EQ(counted.carried_in_ns(), 300'000 + 4'000'000) << "all through the window";
  counted.add_arrival(arrival::first, 1'500'000, 1, 5'000'000);
  EXPECT_EQ(counted.carried_out_ns(), 0);
  counted.add_arrival(arrival::first, 1'500'000, 1, 5'700'000);
  EXPECT_EQ(counted.carried_out_ns(), 700'000);
}

TEST(tally, averages_each_quarter_by_planned_time) {
  tally counted(measured);
  for (const std::int64_t planned : {1'000'000, 1'999'999, 2'000'000, 4'999'999}) {
    counted.add_arrival(arrival::first, planned, 1, planned + planned / 1'000'000);
  }
  const auto means = counted.quarter_mean_ns();
  EXPECT_EQ(means[0], 1);
  EXPECT_EQ(means[1], 2);
  EXPECT_EQ(means[2], 0);
  EXPECT_EQ(means[3], 4);
}

TEST(tally, takes_times_of_the_panel_and_faults_of_all) {
  tally counted(measured);
  counted.add_sent(1'000'000, {10, 2}, 1'000'000);
  EXPECT_EQ(counted.expected(), 10u);
  EXPECT_EQ(counted.expected_of_panel(), 2u);
  EXPECT_EQ(counted.outstanding(), 2);
  counted.add_outside(arrival::first, 1'500'000);
  counted.add_outside(arrival::reordered, 1'500'000);
  counted.add_outside(arrival::duplicate, 1'500'000);
  counted.add_outside(arrival::foreign, 1'500'000);
  EXPECT_EQ(counted.outstanding(), 2);
  EXPECT_EQ(counted.latency().count(), 0);
  EXPECT_EQ(counted.arrived_within(), 2u);
  EXPECT_EQ(counted.reordered(), 1u);
  EXPECT_EQ(counted.duplicated(), 1u);
  EXPECT_EQ(counted.corrupted(), 1u);
}

TEST(tally, has_bins_of_50_to_100_ms_that_fill_the_quarters) {
  for (const std::int64_t ms : {400, 401, 500, 700, 800, 999, 1'000, 2'500, 4'000, 20'000}) {
    const tally counted({7, 7 + ms * ns_per_ms});
    EXPECT_EQ(counted.bins().size() % 4, 0u) << ms;
    EXPECT_GE(counted.bin_s(), 0.05) << ms;
    EXPECT_LE(counted.bin_s(), 0.1) << ms;
    EXPECT_NEAR(counted.bin_s() * static_cast<double>(counted.bins().size()),
                static_cast<double>(ms) / 1e3, 1e-6);
  }
  EXPECT_EQ(tally({0, 1}).bins().size(), 4u) << "a window that is too short for that";
}

TEST(tally, tells_delays_bin_by_bin_of_the_planned_time) {
  tally counted({0, 800 * ns_per_ms});
  ASSERT_EQ(counted.bins().size(), 8u);
  for (const std::int64_t planned : {std::int64_t{0}, 99'999'999L, 100'000'000L, 799'999'999L}) {
    counted.add_arrival(arrival::first, planned, 1, planned + 1'000 + planned / 1'000'000);
  }
  EXPECT_EQ(counted.bins()[0].deliveries, 2u);
  EXPECT_EQ(counted.bins()[0].mean_ns(), 1'049.5);
  EXPECT_EQ(counted.bins()[1].mean_ns(), 1'100);
  EXPECT_EQ(counted.bins()[2].mean_ns(), 0);
  EXPECT_EQ(counted.bins()[7].deliveries, 1u);
}

TEST(tally, keeps_services_of_the_window_alone) {
  tally counted(measured);
  counted.add_service(999'999, 5'000);
  counted.add_service(1'000'000, 7'000);
  EXPECT_EQ(counted.service().count(), 1);
  EXPECT_EQ(counted.service().max(), 7'000);
}

}  // namespace
}  // namespace chinwag::load
