#include "connection/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace chinwag {
namespace {

struct wheel_fixture {
  wheel_fixture() {
    for (connection_id id = 0; id < 100; ++id) links.reset(id);
  }
  std::vector<connection_id> due_at(tick_ms now) {
    std::vector<connection_id> due;
    wheel.expire(now, [&](connection_id id) { due.push_back(id); }, [] { return false; });
    std::sort(due.begin(), due.end());
    return due;
  }

  paged<connection_links> links;
  timer_wheel wheel{links};
};

using ids = std::vector<connection_id>;

TEST(timer_wheel, fires_after_its_time_and_within_a_slot) {
  wheel_fixture timers;
  timers.wheel.arm(7, 0, 100);
  EXPECT_EQ(timers.due_at(99), ids{});
  EXPECT_EQ(timers.due_at(132), ids{7});
  EXPECT_EQ(timers.due_at(10'000), ids{}) << "once";
}

TEST(timer_wheel, arming_again_moves_and_disarming_forgets) {
  wheel_fixture timers;
  for (const connection_id id : {1U, 2U, 3U}) timers.wheel.arm(id, 0, 50);
  timers.wheel.arm(1, 0, 500);
  timers.wheel.disarm(2);
  EXPECT_EQ(timers.due_at(200), ids{3});
  EXPECT_EQ(timers.due_at(600), ids{1});
}

TEST(timer_wheel, a_time_beyond_the_wheel_fires_early_not_never) {
  wheel_fixture timers;
  timers.wheel.arm(1, 0, 60'000);
  EXPECT_EQ(timers.due_at(15'000), ids{});
  EXPECT_EQ(timers.due_at(17'000), ids{1});
}

TEST(timer_wheel, a_long_sleep_misses_nobody) {
  wheel_fixture timers;
  for (connection_id id = 0; id < 100; ++id) timers.wheel.arm(id, 0, id * 150);
  EXPECT_EQ(timers.due_at(1'000'000).size(), 100U);
}

TEST(timer_wheel, who_is_due_may_arm_again) {
  wheel_fixture timers;
  timers.wheel.arm(1, 0, 0);
  int fired = 0;
  const auto again = [&](connection_id id) {
    ++fired;
    timers.wheel.arm(id, 100, 0);
  };
  timers.wheel.expire(100, again, [] { return false; });
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(timers.due_at(200), ids{1});
}

// 49.7 days after its begin the clock is at 0 again. Delays go on as before: nobody is early,
// nobody late, and who arms again when due gets what it asked for.
TEST(timer_wheel, the_clock_s_wrap_is_a_moment_like_any_other) {
  constexpr tick_ms before_wrap = UINT32_MAX - 999;  // 1,000 ms before it is 0
  wheel_fixture timers;
  timers.due_at(before_wrap);
  for (const std::uint32_t delay : {500U, 1'500U, 12'000U}) {
    timers.wheel.arm(delay / 500, before_wrap, delay);
  }
  EXPECT_EQ(timers.due_at(before_wrap + 532), ids{1});
  EXPECT_EQ(timers.due_at(before_wrap + 1'100), ids{}) << "100 ms after the wrap";
  timers.wheel.arm(1, before_wrap + 1'100, 50);
  EXPECT_EQ(timers.due_at(before_wrap + 1'182), ids{1});
  EXPECT_EQ(timers.due_at(before_wrap + 1'499), ids{});
  EXPECT_EQ(timers.due_at(before_wrap + 1'532), ids{3});
  ASSERT_TRUE(timers.wheel.wait_ms(before_wrap + 1'532).has_value());
  EXPECT_GE(*timers.wheel.wait_ms(before_wrap + 1'532), 10'468U);
  EXPECT_EQ(timers.due_at(before_wrap + 11'999), ids{});
  EXPECT_EQ(timers.due_at(before_wrap + 12'032), ids{24});
}

TEST(timer_wheel, who_is_due_at_the_clock_s_wrap_may_arm_again) {
  constexpr tick_ms before_wrap = UINT32_MAX - 99;
  wheel_fixture timers;
  timers.due_at(before_wrap);
  timers.wheel.arm(1, before_wrap, 50);
  ids due;
  constexpr tick_ms after_wrap = 0;
  const auto again = [&](connection_id id) {
    due.push_back(id);
    timers.wheel.arm(id, after_wrap, 200);
  };
  timers.wheel.expire(after_wrap, again, [] { return false; });
  EXPECT_EQ(due, ids{1});
  EXPECT_EQ(timers.due_at(199), ids{});
  EXPECT_EQ(timers.due_at(232), ids{1});
}

TEST(timer_wheel, tells_how_long_to_sleep) {
  wheel_fixture timers;
  EXPECT_FALSE(timers.wheel.wait_ms(0).has_value());
  timers.wheel.arm(1, 0, 1'000);
  ASSERT_TRUE(timers.wheel.wait_ms(0).has_value());
  EXPECT_GE(*timers.wheel.wait_ms(0), 1'000U);
  EXPECT_LT(*timers.wheel.wait_ms(0), 1'040U);
  EXPECT_EQ(*timers.wheel.wait_ms(5'000), 0U);
}

}  // namespace
}  // namespace chinwag
