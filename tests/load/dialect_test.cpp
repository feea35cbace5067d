#include "dialect.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace chinwag::load {
namespace {

using nlohmann::json;

// All that a client says in a dialect, with names and a content put in.
std::string message_in(const dialect& dialect) {
  std::string text(dialect.message_head);
  return text.append("tea").append(dialect.content_head).append("hot").append(dialect.tail);
}

TEST(dialect, writes_messages_as_websocket_text) {
  const dialect& plain = dialect_of(protocol::websocket);
  EXPECT_EQ(json::parse(message_in(plain)),
            json({{"type", "message"}, {"room", "tea"}, {"content", "hot"}}));
  EXPECT_EQ(json::parse(std::string(plain.heartbeat)), json({{"type", "heartbeat"}}));
  EXPECT_EQ(json::parse(std::string(plain.join_head) + "tea" + std::string(plain.tail)),
            json({{"type", "join"}, {"room", "tea"}}));
}

TEST(dialect, writes_messages_as_events) {
  const dialect& events = dialect_of(protocol::engine_io);
  const std::string message = message_in(events);
  ASSERT_EQ(message.substr(0, 2), "42");
  EXPECT_EQ(json::parse(message.substr(2)),
            json::array({"message", {{"room", "tea"}, {"content", "hot"}}}));
  EXPECT_EQ(json::parse(events.heartbeat.substr(2)), json::array({"heartbeat", json::object()}));
}

TEST(dialect, lays_out_an_echo_as_a_message) {
  const dialect& echo = dialect_of(protocol::echo);
  EXPECT_TRUE(echo.echoes);
  EXPECT_FALSE(echo.target_names_user);
  EXPECT_EQ(message_in(echo), message_in(dialect_of(protocol::websocket)));
}

TEST(dialect, names_the_user_when_it_connects) {
  EXPECT_EQ(connect_packet("ann"), R"(40{"user":"ann"})");
}

TEST(packet_of, tells_events_from_the_transport_s_own_packets) {
  EXPECT_EQ(packet_of(R"(42["message",{}])"), packet::event);
  EXPECT_EQ(packet_of(R"(0{"sid":"x"})"), packet::open);
  EXPECT_EQ(packet_of("2"), packet::ping);
  EXPECT_EQ(packet_of(R"(40{"sid":"x"})"), packet::admitted);
  EXPECT_EQ(packet_of(R"(44{"message":"bad_request"})"), packet::refused);
  EXPECT_EQ(packet_of("41"), packet::dismissed);
  for (const char* text : {"", "1", "6", "4", "{}", R"({"type":"message"})"}) {
    EXPECT_EQ(packet_of(text), packet::other) << text;
  }
}

}  // namespace
}  // namespace chinwag::load
