#include "centrifugo_reply.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace chinwag::load {
namespace {

using nlohmann::json;

json news_in(std::string_view reply) {
  std::string text = "of the one before";
  EXPECT_EQ(read_centrifugo_reply(reply, text), centrifugo_reply::news) << reply;
  return json::parse(text);
}

centrifugo_reply kind_of(std::string_view reply) {
  std::string text;
  return read_centrifugo_reply(reply, text);
}

TEST(read_centrifugo_reply, takes_a_publication_for_a_message) {
  EXPECT_EQ(news_in(R"({"push":{"channel":"rooms:tea","pub":{"data":{"content":"hot"},)"
                    R"("info":{"user":"ann","client":"3d1a"}}}})"),
            json({{"type", "message"}, {"room", "tea"}, {"user", "ann"}, {"content", "hot"}}));
}

TEST(read_centrifugo_reply, takes_a_publication_in_a_user_s_channel_for_a_direct_one) {
  EXPECT_EQ(news_in(R"({"push":{"channel":"user:#bob","pub":{"data":{"content":"hot"},)"
                    R"("info":{"user":"ann","client":"3d1a"}}}})"),
            json({{"type", "direct"}, {"user", "ann"}, {"content", "hot"}}));
}

TEST(read_centrifugo_reply, leaves_the_content_of_a_publication_without_one_empty) {
  EXPECT_EQ(news_in(R"({"push":{"channel":"rooms:tea","pub":{"data":{},"info":{"user":"ann"}}}})"),
            json({{"type", "message"}, {"room", "tea"}, {"user", "ann"}, {"content", ""}}));
}

TEST(read_centrifugo_reply, takes_joins_and_leaves_for_announcements) {
  EXPECT_EQ(news_in(R"({"push":{"channel":"rooms:tea","join":{"info":{"user":"ann"}}}})"),
            json({{"type", "user_joined"}, {"room", "tea"}, {"user", "ann"}}));
  EXPECT_EQ(news_in(R"({"push":{"channel":"rooms:tea","leave":{"info":{"user":"ann"}}}})"),
            json({{"type", "user_left"}, {"room", "tea"}, {"user", "ann"}}));
}

TEST(read_centrifugo_reply, tells_errors_by_their_numbers) {
  EXPECT_EQ(news_in(R"({"id":3,"error":{"code":103,"message":"permission denied"}})"),
            json({{"type", "error"}, {"code", "centrifugo 103"}}));
  for (const char* reply : {R"({"id":1,"error":{"code":101,"message":"unauthorized"}})",
                            R"({"id":2,"error":{"code":107,"message":"bad request"}})"}) {
    EXPECT_EQ(kind_of(reply), centrifugo_reply::refused) << reply;
  }
}

TEST(read_centrifugo_reply, welcomes_who_was_let_in) {
  std::string text;
  EXPECT_EQ(read_centrifugo_reply(R"({"id":2,"subscribe":{}})", text), centrifugo_reply::admitted);
  EXPECT_EQ(json::parse(text), json({{"type", "welcome"}}));
}

TEST(read_centrifugo_reply, tells_what_is_no_news) {
  EXPECT_EQ(news_in(R"({"id":6,"rpc":{}})"), json({{"type", "heartbeat"}}));
  EXPECT_EQ(kind_of("{}"), centrifugo_reply::ping);
  for (const char* reply :
       {"", R"({"id":4,"publish":{}})", R"({"id":3,"subscribe":{}})", R"({"push":{}})",
        R"({"id":1,"connect":{"client":"3d1a","version":"6.9.1","ping":25,"pong":true}})",
        R"({"push":{"channel":"news","pub":{"data":{"content":"hot"}}}})",
        R"({"push":{"channel":"rooms:tea","unsubscribe":{"code":2000}}})",
        R"({"push":{"channel":"user:#ann","join":{"info":{"user":"ann"}}}})"}) {
    EXPECT_EQ(kind_of(reply), centrifugo_reply::other) << reply;
  }
}

TEST(take_line, takes_one_value_after_another) {
  std::string_view rest = "{}\n{\"id\":1}\n{}";
  EXPECT_EQ(take_line(rest), "{}");
  EXPECT_EQ(take_line(rest), R"({"id":1})");
  EXPECT_EQ(take_line(rest), "{}");
  EXPECT_TRUE(rest.empty());
}

}  // namespace
}  // namespace chinwag::load
