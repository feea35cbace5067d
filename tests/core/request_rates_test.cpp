#include "state/request_rates.hpp"

#include <gtest/gtest.h>

namespace chinwag {
namespace {

constexpr connection_handle ann{1};

TEST(request_rates, add_up_however_small_they_are) {
  request_rates rates;
  for (tick_ms now = 5; now < 905; ++now) rates.add(ann, now, {1, 10});
  EXPECT_EQ(rates.of(ann, 905).texts, 900U);
  EXPECT_EQ(rates.of(ann, 905).fanout_bytes, 9'000U);
}

TEST(request_rates, begin_anew_after_a_second) {
  request_rates rates;
  rates.add(ann, 5, {7, 70});
  EXPECT_EQ(rates.of(ann, 1'004).texts, 7U);
  EXPECT_EQ(rates.of(ann, 1'005).texts, 0U);
  rates.add(ann, 1'500, {2, 20});
  EXPECT_EQ(rates.of(ann, 2'499).texts, 2U);
  EXPECT_EQ(rates.of(ann, 2'500).texts, 0U);
}

TEST(request_rates, are_each_connections_own) {
  request_rates rates;
  rates.add(ann, 5, {7, 70});
  EXPECT_EQ(rates.of(connection_handle{2}, 5).texts, 0U);
}

TEST(request_rates, of_those_who_stay_survive_what_is_forgotten_of_their_last_second) {
  request_rates rates;
  rates.add(ann, 0, {1, 1});
  rates.add(ann, 1'100, {3, 3});
  for (std::uint64_t other = 2; other < 10; ++other) {
    rates.add(connection_handle{other}, 1'200, {1, 1});
  }
  EXPECT_EQ(rates.of(ann, 1'300).texts, 3U);
}

TEST(request_rates, are_forgotten_though_nobody_asks_for_anything_more) {
  request_rates rates;
  for (std::uint64_t i = 0; i < 10; ++i) rates.add(connection_handle{i}, 0, {1, 1});
  for (int i = 0; i < 5; ++i) rates.forget_old(999);
  EXPECT_EQ(rates.places(), 10U);
  for (int i = 0; i < 6; ++i) rates.forget_old(1'000);
  EXPECT_EQ(rates.places(), 0U);
}

TEST(request_rates, of_a_million_that_come_and_go_take_no_more_places_than_two_seconds_worth) {
  request_rates rates;
  for (std::uint64_t i = 0; i < 1'000'000; ++i) {
    rates.add(connection_handle{i}, static_cast<tick_ms>(i / 10), {1, 1});
    ASSERT_LE(rates.places(), 20'000U);
  }
}

}  // namespace
}  // namespace chinwag
