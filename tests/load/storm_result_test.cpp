#include "storm_result.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "clock.hpp"
#include "summary.hpp"

namespace chinwag::load {
namespace {

storm_result mixed_result() {
  storm_result result;
  result.connections = 5;
  result.refused = 1;
  result.reason = "no room";
  result.total_s = 0.25;
  for (int i = 1; i <= 4; ++i) {
    result.rejoin.record(i * 10 * ns_per_ms);
  }
  return result;
}

TEST(storm_result, counts_who_is_back_and_how_long_it_took) {
  const auto json = to_json(mixed_result());
  EXPECT_EQ(json["joined"], 4);
  EXPECT_EQ(json["refused"], 1);
  EXPECT_DOUBLE_EQ(json["rejoin_ms"]["mean"], 25);
  EXPECT_NEAR(json["rejoin_ms"]["p50"], 20, 0.02);
  EXPECT_DOUBLE_EQ(json["rejoin_ms"]["max"], 40);
}

TEST(storm_result, says_why_somebody_is_not_back) {
  const std::string text = summary_of(mixed_result());
  EXPECT_NE(text.find("5 ended at once, 4 back in their rooms, 1 refused"), std::string::npos);
  EXPECT_NE(text.find("refused     no room"), std::string::npos);
}

}  // namespace
}  // namespace chinwag::load
