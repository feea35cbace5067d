#include "schedule.hpp"

#include <gtest/gtest.h>

#include "clock.hpp"

namespace chinwag::load {
namespace {

constexpr std::int64_t start = 1'000'000'007;

TEST(schedule, spaces_messages_evenly) {
  const schedule even({start, start + ns_per_s, 4, 1});
  ASSERT_EQ(even.count(), 4u);
  EXPECT_EQ(even.planned_ns(0), start);
  EXPECT_EQ(even.planned_ns(1), start + 250'000'000);
  EXPECT_EQ(even.planned_ns(3), start + 750'000'000);
}

TEST(schedule, gives_a_burst_one_time) {
  const schedule bursts({start, start + ns_per_s, 10, 5});
  ASSERT_EQ(bursts.count(), 10u);
  EXPECT_EQ(bursts.planned_ns(4), start);
  EXPECT_EQ(bursts.planned_ns(5), start + ns_per_s / 2);
  EXPECT_EQ(bursts.planned_ns(9), start + ns_per_s / 2);
}

TEST(schedule, counts_what_is_planned_before_the_end) {
  for (const double rate : {0.3, 1.0, 3.0, 7.0, 999.0, 1000.0, 33'333.3}) {
    const schedule plan({start, start + 3 * ns_per_s, rate, 1});
    ASSERT_GT(plan.count(), 0u) << rate;
    EXPECT_LT(plan.planned_ns(plan.count() - 1), start + 3 * ns_per_s) << rate;
    EXPECT_GE(plan.planned_ns(plan.count()), start + 3 * ns_per_s) << rate;
  }
}

TEST(schedule, adds_no_rounding_up) {
  const schedule plan({start, start + 86'400 * ns_per_s, 30'000, 1});
  const std::uint64_t last_second = 86'399ULL * 30'000;
  EXPECT_NEAR(static_cast<double>(plan.planned_ns(last_second) - start), 86'399e9, 1);
}

}  // namespace
}  // namespace chinwag::load
