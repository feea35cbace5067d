#include "schedule.hpp"

#include <gtest/gtest.h>

#include <cmath>

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

schedule::plan random_plan(std::uint64_t seed, std::uint32_t burst = 1) {
  const std::int64_t begin = start + ns_per_s;
  return {start, begin + 10 * ns_per_s, 2'000, burst, arrivals::poisson, begin, seed};
}

TEST(schedule, plans_as_many_random_arrivals_as_even_ones) {
  const schedule random(random_plan(7));
  EXPECT_EQ(random.count(), 22'000u);
  std::uint64_t before = 0;
  std::int64_t last = start;
  for (std::uint64_t i = 0; i < random.count(); ++i) {
    ASSERT_GE(random.planned_ns(i), last) << i;
    last = random.planned_ns(i);
    before += last < start + ns_per_s ? 1 : 0;
  }
  EXPECT_EQ(before, 2'000u) << "of the warm-up";
  EXPECT_LT(last, start + 11 * ns_per_s);
}

TEST(schedule, has_exponential_gaps) {
  const schedule random(random_plan(7));
  double sum = 0;
  double squares = 0;
  double beyond = 0;
  const double mean_ns = 500'000;
  for (std::uint64_t i = 2'001; i < random.count(); ++i) {
    const auto gap = static_cast<double>(random.planned_ns(i) - random.planned_ns(i - 1));
    sum += gap;
    squares += gap * gap;
    beyond += gap > 3 * mean_ns ? 1 : 0;
  }
  const auto count = static_cast<double>(random.count() - 2'001);
  EXPECT_NEAR(sum / count / mean_ns, 1, 0.01);
  EXPECT_NEAR(squares / count / mean_ns / mean_ns, 2, 0.1);
  EXPECT_NEAR(beyond / count, std::exp(-3), 0.005);
}

TEST(schedule, is_the_same_for_a_seed) {
  const schedule one(random_plan(7));
  const schedule same(random_plan(7));
  const schedule other(random_plan(8));
  int differ = 0;
  for (std::uint64_t i = 0; i < one.count(); ++i) {
    ASSERT_EQ(one.planned_ns(i), same.planned_ns(i));
    differ += one.planned_ns(i) != other.planned_ns(i) ? 1 : 0;
  }
  EXPECT_GT(differ, 21'000);
}

TEST(schedule, gives_a_burst_one_random_time) {
  const schedule bursts(random_plan(7, 5));
  ASSERT_EQ(bursts.count(), 22'000u);
  EXPECT_EQ(bursts.planned_ns(4), bursts.planned_ns(0));
  EXPECT_NE(bursts.planned_ns(5), bursts.planned_ns(4));
}

}  // namespace
}  // namespace chinwag::load
