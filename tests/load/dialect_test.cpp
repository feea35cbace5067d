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
  EXPECT_EQ(json::parse(std::string(plain.join_head) + "tea" + std::string(plain.join_tail)),
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

TEST(dialect, names_wse_s_user_in_a_cookie) {
  const dialect& wse = dialect_of(protocol::wse);
  EXPECT_EQ(wse.user_field, "Cookie: user=");
  EXPECT_FALSE(wse.target_names_user);
  EXPECT_EQ(message_in(wse), message_in(dialect_of(protocol::websocket)));
}

TEST(dialect, writes_messages_as_commands_of_centrifugo) {
  const dialect& commands = dialect_of(protocol::centrifugo);
  const auto about = [](const char* kind, json fields) {
    return json({{kind, std::move(fields)}});
  };
  const auto parsed = [](const std::string& text) {
    json command = json::parse(text);
    EXPECT_GT(command.at("id"), 0) << text;  // a command without one is a pong
    command.erase("id");
    return command;
  };
  EXPECT_EQ(parsed(message_in(commands)),
            about("publish", {{"channel", "rooms:tea"}, {"data", {{"content", "hot"}}}}));
  EXPECT_EQ(parsed(std::string(commands.direct_head) + "ann" + std::string(commands.content_head) +
                   "hot" + std::string(commands.tail)),
            about("publish", {{"channel", "user:#ann"}, {"data", {{"content", "hot"}}}}));
  EXPECT_EQ(parsed(std::string(commands.join_head) + "tea" + std::string(commands.join_tail)),
            about("subscribe", {{"channel", "rooms:tea"}}));
  EXPECT_EQ(parsed(std::string(commands.heartbeat)), about("rpc", {{"method", "ping"}}));
  EXPECT_EQ(commands.user_field, "X-User-Id: ");
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

TEST(dialect, connects_to_centrifugo_and_subscribes_to_one_s_own_channel) {
  EXPECT_EQ(connect_commands("ann"),
            "{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":{\"channel\":\"user:#ann\"}}");
}

TEST(is_wse_ping, tells_pings_from_messages) {
  EXPECT_TRUE(is_wse_ping(R"({"c":"WSE","t":"ping","p":{"server_time":"2026-11-26T12:00:00Z"}})"));
  for (const char* text : {"", "{}", R"({"type":"message","content":"ping"})", R"({"c":"WSE"})"}) {
    EXPECT_FALSE(is_wse_ping(text)) << text;
  }
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
