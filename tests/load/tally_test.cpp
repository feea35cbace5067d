#include "tally.hpp"

#include <gtest/gtest.h>

namespace chinwag::load {
namespace {

constexpr window measured{1'000'000, 5'000'000};

TEST(tally, counts_only_what_was_planned_within_the_window) {
  tally counted(measured);
  counted.add_sent(999'999, 10, 999'999);
  counted.add_sent(1'000'000, 10, 1'200'000);
  counted.add_sent(4'999'999, 10, 4'999'999);
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
  counted.add_sent(1'000'000, 3, 1'000'000);
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

}  // namespace
}  // namespace chinwag::load
