#include "server_text.hpp"

#include <gtest/gtest.h>

namespace chinwag::load {
namespace {

TEST(type_of, reads_the_first_key_however_it_is_spaced) {
  EXPECT_EQ(type_of(R"({"type":"message","room":"a"})"), text_type::message);
  EXPECT_EQ(type_of("{ \"type\" :\t\"user_joined\" }"), text_type::user_joined);
  EXPECT_EQ(type_of(R"({"type": "error"})"), text_type::error);
}

TEST(type_of, reads_the_name_of_an_event) {
  EXPECT_EQ(type_of(R"(42["user_joined",{"room":"a"}])"), text_type::user_joined);
  EXPECT_EQ(type_of(R"(42[ "message" ,{}])"), text_type::message);
  EXPECT_EQ(type_of(R"(42[{"type":"message"}])"), text_type::other);
  EXPECT_EQ(type_of(R"(42["mess)"), text_type::other);
  EXPECT_EQ(type_of(R"(43["message",{}])"), text_type::other);
}

TEST(type_head, ends_with_the_type) {
  EXPECT_EQ(type_head(R"({"type":"message","room":"a"})"), R"({"type":"message")");
  EXPECT_EQ(type_head(R"(42["direct",{"user":"a"}])"), R"(42["direct")");
  EXPECT_EQ(type_head(R"({"type":"mess)"), "");
  EXPECT_EQ(type_head("{}"), "");
}

TEST(type_of, takes_nothing_else_for_a_type) {
  for (const char* text : {"", "{", "[]", R"({"room":"a","type":"message"})", R"({"type":1})",
                           R"({"type":"messages"})", R"({"type":"mess)", R"({"type")"}) {
    EXPECT_EQ(type_of(text), text_type::other) << text;
  }
}

TEST(string_field, finds_a_key_and_not_a_value_that_looks_like_it) {
  EXPECT_EQ(string_field(R"({"user":"content","content" : "x"})", "content"), "x");
  EXPECT_EQ(string_field(R"({"user":"ann"})", "user"), "ann");
  EXPECT_EQ(string_field(R"({"user":7})", "user"), "");
  EXPECT_EQ(find_string(R"({"a":"b"})", "content"), std::string_view::npos);
}

}  // namespace
}  // namespace chinwag::load
