#include "hold_result.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "clock.hpp"
#include "summary.hpp"

namespace chinwag::load {
namespace {

hold_result sound_result() {
  hold_result result;
  result.hold_s = 2;
  result.sent = 20;
  result.expected = 200;
  result.delivered = 200;
  result.deliveries_per_s = 100;
  result.outstanding_mean = 0.5;
  for (int i = 0; i < 200; ++i) {
    result.latency.record(5 * ns_per_ms);
  }
  result.send_lag.record(ns_per_ms);
  result.receive_lag.record(ns_per_ms);
  return result;
}

TEST(hold_result, derives_rates_and_little_s_law) {
  const auto json = to_json(sound_result());
  EXPECT_EQ(json["messages_per_s"], 10);
  EXPECT_EQ(json["lost"], 0);
  EXPECT_DOUBLE_EQ(json["little"]["predicted"], 0.5);  // 100 a second x 5 ms
  EXPECT_DOUBLE_EQ(json["little"]["ratio"], 1);
  EXPECT_DOUBLE_EQ(json["latency_ms"]["p99"], 5);
}

TEST(hold_result, counts_the_time_under_way_where_it_was_spent) {
  hold_result result = sound_result();
  result.carried_s = 0.5;
  EXPECT_DOUBLE_EQ(to_json(result)["little"]["predicted"], 0.75);  // 0.5 s in a window of 2 s
}

TEST(hold_result, names_each_limit_of_the_generator) {
  hold_result result = sound_result();
  EXPECT_TRUE(result.generator_limits().empty());
  result.generator_cpu = 0.91;
  result.send_lag.record(3 * ns_per_ms);
  EXPECT_EQ(result.generator_limits(), (std::vector<std::string>{"cpu", "send lag"}));
  result.receive_lag.record(3 * ns_per_ms);
  EXPECT_EQ(result.generator_limits().size(), 3u);
}

TEST(hold_result, allows_a_lag_of_a_tenth_of_the_delay) {
  hold_result result = sound_result();
  result.send_lag.record(3 * ns_per_ms);
  for (int i = 0; i < 200; ++i) {
    result.latency.record(40 * ns_per_ms);
  }
  EXPECT_TRUE(result.generator_limits().empty());
}

TEST(hold_result, is_unsound_for_any_single_fault) {
  EXPECT_TRUE(sound_result().is_sound());
  const std::vector<void (*)(hold_result&)> faults{
      [](hold_result& result) { --result.delivered; },
      [](hold_result& result) { ++result.duplicated; },
      [](hold_result& result) { ++result.reordered; },
      [](hold_result& result) { ++result.corrupted; },
      [](hold_result& result) { ++result.outstanding_after_drain; },
      [](hold_result& result) { ++result.closes["1013"]; },
  };
  for (const auto fault : faults) {
    hold_result result = sound_result();
    fault(result);
    EXPECT_FALSE(result.is_sound());
  }
}

TEST(summary, names_faults_closes_and_limits) {
  hold_result result = sound_result();
  EXPECT_NE(summary_of(result).find("faults      none"), std::string::npos);
  EXPECT_EQ(summary_of(result).find("limited"), std::string::npos);
  result.delivered = 190;
  result.closes["1013"] = 2;
  result.generator_cpu = 1;
  const std::string text = summary_of(result);
  EXPECT_NE(text.find("lost 10,"), std::string::npos);
  EXPECT_NE(text.find("2 connections: 1013"), std::string::npos);
  EXPECT_NE(text.find("limited     by this generator (cpu)"), std::string::npos);
}

}  // namespace
}  // namespace chinwag::load
