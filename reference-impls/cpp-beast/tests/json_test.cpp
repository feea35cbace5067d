#include "json.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace {

TEST(encoded, keeps_the_order_of_fields) {
  EXPECT_EQ(*encoded({{"type", "message"}, {"content", ""}, {"timestamp", 12}}),
            R"({"type":"message","content":"","timestamp":12})");
}

TEST(encoded, has_room_for_the_longest_numbers) {
  EXPECT_EQ(*encoded({{"a", INT64_MIN}, {"b", INT64_MAX}}),
            R"({"a":-9223372036854775808,"b":9223372036854775807})");
}

TEST(encoded, escapes_what_json_asks_for) {
  std::string every;
  for (char byte = 0; byte < 0x7F; ++byte) every += byte;
  every += "\xC3\xA9";
  auto const read = nlohmann::json::parse(*encoded({{"content", every}}));
  EXPECT_EQ(read.at("content").get<std::string>(), every);
}

TEST(encoded, has_room_for_a_text_of_escapes_alone) {
  std::string const controls(65'536, '\x1F');
  auto const read = nlohmann::json::parse(*encoded({{"content", controls}}));
  EXPECT_EQ(read.at("content").get<std::string>(), controls);
}

TEST(encoded, leaves_a_text_to_those_who_hold_it) {
  auto const first = encoded({{"content", "first"}});
  auto const second = encoded({{"content", "second, which is longer"}});
  EXPECT_EQ(*first, R"({"content":"first"})");
  EXPECT_EQ(*second, R"({"content":"second, which is longer"})");
}

TEST(encoded, uses_memory_that_nobody_holds_again) {
  auto const* const bytes = encoded({{"content", std::string(1'000, 'x')}})->data();
  EXPECT_EQ(encoded({{"content", std::string(900, 'y')}})->data(), bytes);
}

}  // namespace
