// Clients that shut their side and read on.

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "chat_client.hpp"
#include "stepped_shard.hpp"

namespace chinwag {
namespace {

using test::chat_client;
using test::client_frame;
using test::has;
using test::running_server;

constexpr int tiny_buffer = 4'096;
constexpr const char* heartbeat = R"({"type":"heartbeat"})";

chat_client join(const running_server& server, const std::string& user, int receive_buffer = 0) {
  chat_client client(server.port, "/ws?user=" + user, receive_buffer);
  client.text();
  client.send(R"({"type":"join","room":"a"})");
  client.text();
  return client;
}

std::string message_of(std::size_t bytes) {
  return R"({"type":"message","room":"a","content":")" + std::string(bytes, 'x') + "\"}";
}

std::string frames_of(std::size_t count, std::size_t bytes) {
  return test::times(
      count, client_frame(opcode::text, heartbeat) + client_frame(opcode::text, message_of(bytes)));
}

// What a client hears up to the end.
struct heard {
  explicit heard(chat_client& client) {
    while (const auto frame = client.receive()) {
      heartbeats += has(frame->payload, R"("heartbeat")");
      messages += has(frame->payload, R"("message")");
      lefts += has(frame->payload, R"("user_left")");
      closes += frame->code == opcode::close;
    }
  }
  std::size_t heartbeats = 0;
  std::size_t messages = 0;
  std::size_t lefts = 0;
  std::size_t closes = 0;
};

TEST(half_close, everything_before_it_is_served_and_answered) {
  constexpr std::size_t count = 200;
  running_server server;
  chat_client bob = join(server, "bob");
  chat_client ann = join(server, "ann");
  bob.text();
  ann.send_raw(frames_of(count, 2'000));
  ::shutdown(ann.descriptor(), SHUT_WR);
  const heard by_ann(ann);
  EXPECT_EQ(by_ann.heartbeats, count);
  EXPECT_EQ(by_ann.messages, count);
  EXPECT_EQ(by_ann.lefts, 0U);
  EXPECT_EQ(by_ann.closes, 0U);
  EXPECT_TRUE(ann.ends()) << "and no reset";
  for (std::size_t i = 0; i < count; ++i) EXPECT_TRUE(has(bob.text(), R"("message")"));
  EXPECT_TRUE(has(bob.text(), R"("user_left")"));
  EXPECT_TRUE(server.eventually([](const stats& now) { return now.connections == 1; }));
}

TEST(half_close, while_the_server_closes_cuts_nothing) {
  constexpr std::size_t count = 200;
  running_server server;
  chat_client ann = join(server, "ann", tiny_buffer);
  ann.send_raw(frames_of(count, 2'000) + client_frame(opcode::close, std::string("\x03\xe8", 2)));
  ::shutdown(ann.descriptor(), SHUT_WR);
  ASSERT_TRUE(server.eventually([](const stats& now) { return now.closes[0] == 1; }));
  const heard by_ann(ann);
  EXPECT_EQ(by_ann.heartbeats, count);
  EXPECT_EQ(by_ann.messages, count);
  EXPECT_EQ(by_ann.closes, 1U);
}

TEST(half_close, of_one_that_takes_nothing_lasts_as_long_as_a_close_may) {
  running_server server({.close_timeout_ms = 300});
  chat_client deaf = join(server, "deaf", tiny_buffer);
  chat_client bob = join(server, "bob");
  for (int i = 0; i < 20; ++i) {
    bob.send(message_of(32'000));
    bob.text();
  }
  ::shutdown(deaf.descriptor(), SHUT_WR);
  EXPECT_TRUE(has(bob.text(), R"("user_left")")) << "when the end was read";
  EXPECT_TRUE(server.eventually([](const stats& now) { return now.connections == 1; }));
}

// The kernel tells of a half-closed connection for as long as it is watched for input.
TEST(half_close, of_one_that_waits_does_not_keep_the_loop_busy) {
  running_server server({.close_timeout_ms = 60'000});
  chat_client deaf = join(server, "deaf", tiny_buffer);
  chat_client bob = join(server, "bob");
  for (int i = 0; i < 20; ++i) {
    bob.send(message_of(32'000));
    bob.text();
  }
  ::shutdown(deaf.descriptor(), SHUT_WR);
  EXPECT_TRUE(has(bob.text(), R"("user_left")"));
  EXPECT_EQ(server.engine.read_stats().connections, 2U) << "much waits for it still";
  const std::uint64_t turns = server.engine.read_stats().turns;
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LT(server.engine.read_stats().turns - turns, 100U) << "the loop spins";
}

TEST(half_close, waits_for_the_programs_verdicts) {
  std::mutex guard;
  std::vector<request_ticket> tickets;
  running_server server({}, {.message = [&](const message_request& asked) -> verdict {
                          const std::lock_guard locked(guard);
                          tickets.push_back(asked.ticket);
                          return {verdict::kind::later};
                        }});
  chat_client ann = join(server, "ann");
  ann.send(message_of(10));
  ann.send(heartbeat);
  ::shutdown(ann.descriptor(), SHUT_WR);
  ASSERT_TRUE(server.eventually([&](const stats&) {
    const std::lock_guard locked(guard);
    return tickets.size() == 1;
  }));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(server.engine.read_stats().connections, 1U);
  EXPECT_TRUE(server.engine.decide({{tickets[0], {}}}));
  const heard by_ann(ann);
  EXPECT_EQ(by_ann.messages, 1U);
  EXPECT_EQ(by_ann.heartbeats, 1U);
  EXPECT_TRUE(server.eventually([](const stats& now) { return now.connections == 0; }));
}

TEST(half_close, of_one_whose_program_never_decides_ends_as_silence_does) {
  running_server server(
      {.idle_timeout_ms = 500},
      {.message = [](const message_request&) -> verdict { return {verdict::kind::later}; }});
  chat_client ann = join(server, "ann");
  ann.send(message_of(10));
  ::shutdown(ann.descriptor(), SHUT_WR);
  EXPECT_TRUE(ann.ends());
  EXPECT_TRUE(server.eventually([](const stats& now) { return now.connections == 0; }));
}

TEST(half_close, http_requests_before_it_are_answered) {
  running_server server;
  const int client = test::connect_to(server.port);
  const std::string asked = test::times(20, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_EQ(::send(client, asked.data(), asked.size(), 0), static_cast<ssize_t>(asked.size()));
  ::shutdown(client, SHUT_WR);
  std::string got;
  std::array<char, 65'536> buffer{};
  ssize_t size = 0;
  while ((size = ::recv(client, buffer.data(), buffer.size(), 0)) > 0) {
    got.append(buffer.data(), static_cast<std::size_t>(size));
  }
  EXPECT_EQ(size, 0) << "an orderly end";
  ::close(client);
  std::size_t answers = 0;
  for (std::size_t at = 0; (at = got.find("200 OK", at)) != std::string::npos; ++at) ++answers;
  EXPECT_EQ(answers, 20U);
}

}  // namespace
}  // namespace chinwag
