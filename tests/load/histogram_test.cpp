#include "histogram.hpp"

#include <gtest/gtest.h>

namespace chinwag::load {
namespace {

TEST(histogram, is_zero_when_empty) {
  const histogram empty;
  EXPECT_EQ(empty.count(), 0);
  EXPECT_EQ(empty.value_at(99), 0);
  EXPECT_EQ(empty.max(), 0);
  EXPECT_EQ(empty.mean(), 0);
}

TEST(histogram, finds_quantiles_of_known_numbers) {
  histogram thousand;
  for (std::int64_t ms = 1; ms <= 1'000; ++ms) {
    thousand.record(ms * 1'000'000);
  }
  EXPECT_EQ(thousand.count(), 1'000);
  EXPECT_NEAR(static_cast<double>(thousand.value_at(50)), 500e6, 500e3);
  EXPECT_NEAR(static_cast<double>(thousand.value_at(99)), 990e6, 990e3);
  EXPECT_NEAR(static_cast<double>(thousand.value_at(99.9)), 999e6, 999e3);
  EXPECT_EQ(thousand.value_at(100), 1'000'000'000);
  EXPECT_EQ(thousand.mean(), 500.5e6);
}

TEST(histogram, keeps_three_digits_everywhere) {
  for (std::int64_t ns = 1'000; ns < histogram::highest_ns; ns = ns * 3 / 2 + 7) {
    histogram one;
    one.record(ns);
    one.record(histogram::highest_ns);  // so that the maximum doesn't hide the bucket's width
    const double found = static_cast<double>(one.value_at(50));
    EXPECT_GE(found, static_cast<double>(ns));
    EXPECT_LE(found, static_cast<double>(ns) * 1.001 + 512) << ns;
  }
}

TEST(histogram, keeps_the_longest_and_bounds_the_buckets) {
  histogram wild;
  wild.record(-5);
  wild.record(3 * histogram::highest_ns);
  EXPECT_EQ(wild.count(), 2);
  EXPECT_EQ(wild.max(), 3 * histogram::highest_ns);
  EXPECT_LT(wild.value_at(1), 1'000);
  EXPECT_EQ(wild.value_at(100), 3 * histogram::highest_ns);
}

TEST(histogram, never_gives_a_quantile_of_what_it_cannot_tell_apart_as_shorter_than_it_was) {
  histogram slow;
  slow.record(1'000'000);
  for (std::int64_t second = 61; second < 70; ++second) {
    slow.record(second * 1'000'000'000);
  }
  EXPECT_EQ(slow.value_at(50), 69'000'000'000);
  EXPECT_LT(slow.value_at(10), 1'001'000);
}

TEST(histogram, forgets) {
  histogram used;
  used.record(5'000);
  used.clear();
  EXPECT_EQ(used.count(), 0);
  EXPECT_EQ(used.max(), 0);
  EXPECT_EQ(used.value_at(50), 0);
}

}  // namespace
}  // namespace chinwag::load
