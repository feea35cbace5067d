#include "outstanding.hpp"

#include <gtest/gtest.h>

#include "clock.hpp"

namespace chinwag::load {
namespace {

constexpr std::int64_t period = ns_per_ms;

TEST(outstanding_sampler, samples_once_in_every_millisecond_at_moments_that_vary) {
  outstanding_sampler sampler(0, ns_per_s, 1);
  std::int64_t first_phase = sampler.next_ns() % period;
  bool varies = false;
  for (std::int64_t i = 0; i < 1'000; ++i) {
    ASSERT_EQ(sampler.next_ns() / period, i);
    varies = varies || sampler.next_ns() % period != first_phase;
    sampler.sample(1);
  }
  EXPECT_TRUE(varies);
  EXPECT_EQ(sampler.next_ns(), never_ns);
  EXPECT_EQ(sampler.samples(), 1'000u);
}

TEST(outstanding_sampler, knows_its_mean_and_error) {
  outstanding_sampler sampler(0, ns_per_s, 1);
  EXPECT_EQ(sampler.mean(), 0);
  EXPECT_EQ(sampler.standard_error(), 0);
  for (const int value : {2, 4, 4, 4, 5, 5, 7, 9}) {
    sampler.sample(value);
  }
  EXPECT_DOUBLE_EQ(sampler.mean(), 5);
  EXPECT_NEAR(sampler.standard_error(), 0.7559, 1e-4);  // sqrt(32 / 7) / sqrt(8)
}

}  // namespace
}  // namespace chinwag::load
