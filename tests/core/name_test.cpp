#include "wire/name.hpp"

#include <gtest/gtest.h>

#include <string>

#include "state/names.hpp"

namespace chinwag {
namespace {

TEST(name, has_1_to_64_bytes) {
  EXPECT_FALSE(is_name(""));
  EXPECT_TRUE(is_name("a"));
  EXPECT_TRUE(is_name(std::string(64, 'a')));
  EXPECT_FALSE(is_name(std::string(65, 'a')));
}

TEST(name, has_no_control_characters) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {"a\0"sv, "\x1F"sv, "\x7F"sv, "\xC2\x80"sv, "a\xC2\x9F"sv}) {
    EXPECT_FALSE(is_name(text)) << text;
  }
  for (const std::string_view text : {" "sv, "\xC2\xA0"sv, "\xC3\x80"sv, "\xE2\x82\x80"sv}) {
    EXPECT_TRUE(is_name(text)) << text;
  }
}

TEST(name, is_compared_by_meaning) {
  EXPECT_EQ(requested_name(R"(caf\u00e9)").view(), "caf\xC3\xA9");
  EXPECT_EQ(requested_name("plain").view(), "plain");
  EXPECT_TRUE(requested_name(R"(\u0061)").valid());
  EXPECT_FALSE(requested_name(R"(a\n)").valid());
  EXPECT_FALSE(requested_name("").valid());
}

TEST(name, bounds_hold_after_unescaping) {
  std::string escaped;
  for (int i = 0; i < 64; ++i) escaped += R"(\u0041)";
  EXPECT_TRUE(requested_name(escaped).valid());
  EXPECT_FALSE(requested_name(escaped + "B").valid());
}

TEST(name, is_quoted_for_json) {
  EXPECT_EQ(quoted_name(R"(a"b\c)").view(), R"(a\"b\\c)");
  EXPECT_EQ(quoted_name(std::string(64, '"')).view().size(), 128U);
}

TEST(name_store, keeps_names_of_every_length) {
  name_store store;
  for (std::size_t size = 1; size <= name_bytes_max; ++size) {
    const std::string name(size, 'n');
    const stored_name kept = store.put(name);
    EXPECT_EQ(store.view(kept), name);
  }
}

TEST(name_store, reuses_the_place_of_a_long_name) {
  name_store store;
  const stored_name first = store.put(std::string(40, 'a'));
  store.drop(first);
  const stored_name second = store.put(std::string(50, 'b'));
  EXPECT_EQ(first.bytes, second.bytes);
  EXPECT_EQ(store.view(second), std::string(50, 'b'));
}

}  // namespace
}  // namespace chinwag
