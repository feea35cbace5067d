#include "host/metrics.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <sstream>

namespace chinwag {
namespace {

TEST(metrics, a_reading_is_a_copy) {
  metrics counts;
  counts.count(request::join);
  const stats before = counts.read();
  counts.count(request::join);
  EXPECT_EQ(before.messages_in[0], 1U);
  EXPECT_EQ(counts.read().messages_in[0], 2U);
}

TEST(metrics, closes_are_counted_by_code) {
  metrics counts;
  for (const int code : {1000, 1015, 1016, 4000, 999}) {
    counts.count_close(static_cast<std::uint16_t>(code));
  }
  const stats now = counts.read();
  EXPECT_EQ(now.closes[0], 1U);
  EXPECT_EQ(now.closes[15], 1U);
  EXPECT_EQ(now.closes[16], 3U) << "others";
}

TEST(metrics, a_turn_falls_into_the_bucket_that_it_fits) {
  metrics counts;
  for (const std::uint64_t duration : {0U, 50U, 51U, 250'000U, 250'001U}) {
    counts.count_turn(duration);
  }
  const stats now = counts.read();
  EXPECT_EQ(now.turn_buckets.front(), 2U);
  EXPECT_EQ(now.turn_buckets[1], 1U);
  EXPECT_EQ(now.turn_buckets[turn_bounds_us.size() - 1], 1U);
  EXPECT_EQ(now.turn_buckets.back(), 1U);
}

// Every line of the exposition format, and a family's HELP and TYPE before its samples.
TEST(metrics, writes_the_exposition_format) {
  metrics counts;
  counts.count_turn(60);
  counts.count(refusal::not_joined);
  std::istringstream text(prometheus_text(counts.read()));
  const std::regex comment("# (HELP|TYPE) (chinwag_[a-z_]+) .+");
  const std::regex sample(R"((chinwag_[a-z_]+)(\{[a-z]+="[^"]+"\})? [0-9.]+)");
  std::string family;
  std::size_t samples = 0;
  for (std::string line; std::getline(text, line);) {
    std::smatch found;
    if (std::regex_match(line, found, comment)) {
      family = found[2];
      continue;
    }
    ASSERT_TRUE(std::regex_match(line, found, sample)) << line;
    EXPECT_TRUE(found[1].str().starts_with(family)) << line;
    ++samples;
  }
  EXPECT_GT(samples, 50U);
}

TEST(metrics, histogram_buckets_add_up) {
  metrics counts;
  counts.count_turn(60);
  counts.count_turn(3'000);
  const std::string text = prometheus_text(counts.read());
  EXPECT_NE(text.find("_bucket{le=\"0.000050\"} 0\n"), std::string::npos);
  EXPECT_NE(text.find("_bucket{le=\"0.000100\"} 1\n"), std::string::npos);
  EXPECT_NE(text.find("_bucket{le=\"0.005000\"} 2\n"), std::string::npos);
  EXPECT_NE(text.find("_bucket{le=\"+Inf\"} 2\n"), std::string::npos);
  EXPECT_NE(text.find("_sum 0.003060\n"), std::string::npos);
}

}  // namespace
}  // namespace chinwag
