#include <gtest/gtest.h>

#include <regex>

#include "wire/http.hpp"

namespace chinwag {
namespace {

TEST(handshake, gives_the_accept_value_of_the_standard) {
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(handshake, a_key_is_the_base64_of_16_bytes) {
  EXPECT_TRUE(is_websocket_key("dGhlIHNhbXBsZSBub25jZQ=="));
  for (const char* key :
       {"", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25jZR==",
        "dGhlIHNhbXBs*SBub25jZQ==", "dGhlIHNhbXBsZSBub25jZWU=", "dGhlIHNhbXBsZSBub25jZWVlZQ=="}) {
    EXPECT_FALSE(is_websocket_key(key)) << key;
  }
}

TEST(handshake, decodes_the_first_user_of_a_query) {
  EXPECT_EQ(user_from_query("user=ann").name, "ann");
  EXPECT_EQ(user_from_query("x=1&user=a%20b+c&user=other").name, "a b c");
  EXPECT_EQ(user_from_query("user=%e2%82%AC").name, "\xE2\x82\xAC");
  EXPECT_EQ(user_from_query("%75ser=ann").name, "ann");
  EXPECT_EQ(user_from_query("user=a=b").name, "a=b");
}

TEST(handshake, no_user_or_an_empty_one_asks_for_a_random_name) {
  for (const char* query : {"", "user", "user=", "x=y", "user=&user=ann", "&&"}) {
    EXPECT_TRUE(user_from_query(query).valid) << query;
    EXPECT_TRUE(user_from_query(query).name.empty()) << query;
  }
}

TEST(handshake, refuses_what_is_not_a_name) {
  for (const char* query : {"user=%00", "user=a%0A", "user=%FF", "user=%", "user=%4", "user=%zz",
                            "user=%C3", "user=%C2%85"}) {
    EXPECT_FALSE(user_from_query(query).valid) << query;
  }
  EXPECT_FALSE(user_from_query("user=" + std::string(65, 'a')).valid);
}

TEST(handshake, random_users_are_uuids_of_version_4) {
  const std::regex form("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  const auto one = random_user();
  const auto two = random_user();
  ASSERT_TRUE(one && two);
  EXPECT_TRUE(std::regex_match(*one, form)) << *one;
  EXPECT_NE(*one, *two);
}

}  // namespace
}  // namespace chinwag
