// Options that bound what one connection gets: each is set away from its default here, and what
// the server does follows.

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "chat_client.hpp"

namespace chinwag {
namespace {

using test::chat_client;
using test::client_frame;
using test::has;
using test::running_server;

constexpr const char* heartbeat = R"({"type":"heartbeat"})";

chat_client join(const running_server& server, const std::string& user) {
  chat_client client(server.port, "/ws?user=" + user);
  client.text();
  client.send(R"({"type":"join","room":"a"})");
  client.text();
  return client;
}

// A server whose thread waits in a handler from hold() to release(): what comes meanwhile is there
// all at once when it goes on.
class held_server {
 public:
  explicit held_server(options settings)
      : server(settings, {.message = [this](const message_request&) -> verdict {
                 held_ = true;
                 while (!released_) test::pause();
                 return {};
               }}),
        holder_(join(server, "holder")) {}

  void hold() {
    holder_.send(R"({"type":"message","room":"a","content":"hold"})");
    while (!held_) test::pause();
    turns_before_ = server.engine.read_stats().turns;
  }
  void release() { released_ = true; }

  std::uint64_t turns_since_hold() { return server.engine.read_stats().turns - turns_before_; }

 private:
  std::atomic<bool> held_ = false;
  std::atomic<bool> released_ = false;
  std::uint64_t turns_before_ = 0;

 public:
  running_server server;

 private:
  chat_client holder_;
};

TEST(option, header_bytes_max_bounds_a_request) {
  running_server server({.header_bytes_max = 256});
  const auto answer_to = [&](std::size_t size) {
    const std::string begin = "GET /nothing HTTP/1.1\r\nHost: t\r\nConnection: close\r\nX: ";
    const std::string end = "\r\n\r\n";
    return test::http_exchange(server.port,
                               begin + std::string(size - begin.size() - end.size(), 'x') + end);
  };
  EXPECT_TRUE(answer_to(256).starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(answer_to(257).starts_with("HTTP/1.1 431 "));
}

TEST(option, rooms_per_connection_max_bounds_joins_and_leaving_makes_room) {
  running_server server({.rooms_per_connection_max = 2});
  chat_client ann = join(server, "ann");
  ann.send(R"({"type":"join","room":"b"})");
  EXPECT_TRUE(has(ann.text(), "user_joined"));
  ann.send(R"({"type":"join","room":"c"})");
  EXPECT_TRUE(has(ann.text(), "too_many_rooms"));
  ann.send(R"({"type":"leave","room":"b"})");
  ann.send(R"({"type":"join","room":"c"})");
  EXPECT_TRUE(has(ann.text(), R"("user_joined","room":"c")"));
}

TEST(option, rooms_max_counts_rooms_that_have_members) {
  running_server server({.rooms_max = 1});
  chat_client ann = join(server, "ann");
  ann.send(R"({"type":"join","room":"b"})");
  EXPECT_TRUE(has(ann.text(), "unavailable"));
  ann.send_raw(test::client_frame(opcode::text, R"({"type":"leave","room":"a"})") +
               test::client_frame(opcode::text, R"({"type":"join","room":"b"})"));
  const std::string joined = ann.text();
  EXPECT_TRUE(has(joined, R"("user_joined","room":"b")")) << joined;
  ann.send(R"({"type":"join","room":"a"})");
  EXPECT_TRUE(has(ann.text(), "unavailable"));
  EXPECT_EQ(server.engine.read_stats().rooms, 1U);
}

TEST(option, accepts_per_turn_spreads_a_rush_over_turns) {
  held_server held({.accepts_per_turn = 1});
  held.hold();
  std::vector<int> rush;
  for (int i = 0; i < 20; ++i) rush.push_back(test::connect_to(held.server.port));
  held.release();
  EXPECT_TRUE(held.server.eventually([](const stats& now) { return now.accepted == 21; }));
  EXPECT_GE(held.turns_since_hold(), 20U);
  for (const int one : rush) ::close(one);
}

TEST(option, read_bytes_per_turn_spreads_what_came_at_once_over_turns) {
  held_server held({.read_bytes_per_turn = 1'000});
  chat_client ann(held.server.port);
  ann.text();
  held.hold();
  std::string frames;
  for (int i = 0; i < 1'000; ++i) frames += client_frame(opcode::text, heartbeat);
  ann.send_raw(frames);
  held.release();
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(has(ann.text(), "heartbeat")) << i;
  EXPECT_GE(held.turns_since_hold(), frames.size() / 1'000);
}

// Each message is more than may wait, so it goes out by itself before the next one is served: at
// least as many sends as messages, though all of them came in one read.
TEST(option, room_backlog_bytes_max_holds_a_publisher_back_until_its_room_was_served) {
  // A pass that the clock ends early goes on later with what came meanwhile: not here.
  running_server server({.turn_us = 1'000'000, .room_backlog_bytes_max = 1'024});
  chat_client ann = join(server, "ann");
  chat_client bob = join(server, "bob");
  ann.text();
  constexpr std::uint64_t count = 40;
  std::string frames;
  for (std::uint64_t i = 0; i < count; ++i) {
    frames += client_frame(opcode::text, R"({"type":"message","room":"a","content":")" +
                                             std::string(1'100, 'x') + "\"}");
  }
  const std::uint64_t before = server.engine.read_stats().send_calls;
  ann.send_raw(frames);
  for (std::uint64_t i = 0; i < count; ++i) {
    ASSERT_TRUE(has(bob.text(), "xxx"));
    ASSERT_TRUE(has(ann.text(), "xxx"));
  }
  EXPECT_GE(server.engine.read_stats().send_calls - before, count);
}

}  // namespace
}  // namespace chinwag
