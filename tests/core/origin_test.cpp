#include "wire/origin.hpp"

#include <gtest/gtest.h>

namespace chinwag {
namespace {

TEST(origin, of_the_same_host_is_the_host_that_is_asked) {
  const auto same = [](const char* origin, const char* host) {
    return allows_origin("same-host", origin, host);
  };
  EXPECT_TRUE(same("http://127.0.0.1:4000", "127.0.0.1:4000"));
  EXPECT_TRUE(same("https://Chat.Example", "chat.example"));
  EXPECT_TRUE(same("https://chat.example", "chat.example:443"));
  EXPECT_TRUE(same("http://chat.example:80", "chat.example"));
  EXPECT_TRUE(same("http://[::1]:4000", "[::1]:4000"));
  EXPECT_FALSE(same("https://evil.example", "chat.example"));
  EXPECT_FALSE(same("https://chat.example.evil.example", "chat.example"));
  EXPECT_FALSE(same("https://chat.example@evil.example", "chat.example"));
  EXPECT_FALSE(same("http://127.0.0.1:4001", "127.0.0.1:4000"));
  EXPECT_FALSE(same("http://chat.example:443", "chat.example"));
  EXPECT_FALSE(same("null", "chat.example"));
  EXPECT_FALSE(same("null", "null"));
  EXPECT_FALSE(same("http://", ""));
}

TEST(origin, lists_name_scheme_and_host_without_regard_to_case) {
  const char* list = "https://a.example, HTTP://B.example:8080 ,null";
  EXPECT_TRUE(allows_origin(list, "HTTPS://A.EXAMPLE", "x"));
  EXPECT_TRUE(allows_origin(list, "https://a.example:443", "x"));
  EXPECT_TRUE(allows_origin(list, "http://b.example:8080", "x"));
  EXPECT_TRUE(allows_origin(list, "null", "x"));
  EXPECT_FALSE(allows_origin(list, "http://a.example", "a.example"));
  EXPECT_FALSE(allows_origin(list, "http://b.example", "x"));
  EXPECT_FALSE(allows_origin(list, "https://x", "x"));
  EXPECT_TRUE(allows_origin("*", "https://x", "y"));
  EXPECT_TRUE(allows_origin("https://a.example,same-host", "https://x", "x"));
}

TEST(origin, lists_are_checked) {
  for (const char* good :
       {"*", "same-host", "null", "https://a.example", "http://a:1, https://[::1]:2,same-host"}) {
    EXPECT_TRUE(is_origin_list(good)) << good;
  }
  for (const char* bad : {"", " ", "a.example", "https://", "://a", "https://a/", "https://a,",
                          "https://a b", "https://a,,https://b", "any"}) {
    EXPECT_FALSE(is_origin_list(bad)) << bad;
  }
}

}  // namespace
}  // namespace chinwag
