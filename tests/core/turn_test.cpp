// What a turn of the loop does, and leaves for the next: the shard is stepped by hand, with real
// sockets.

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "chat_client.hpp"
#include "stepped_shard.hpp"

namespace chinwag {
namespace {

using test::chat_client;
using test::connect_to;
using test::has_input;
using test::send_some;
using test::stepped_shard;
using test::times;

constexpr const char* heartbeat = R"({"type":"heartbeat"})";

// How many turns a bystander may have to wait. Floods of the tests would take hundreds.
constexpr int few_turns = 200;

// A turn that serves all that a flood has sent would count tens of thousands.
constexpr std::uint64_t a_turn_s_work = 8'000;

// Turns are short, so that the slowest machine has many.
options hurried() {
  options settings{.port = 0};
  settings.turn_us = 100;
  settings.requests_per_second_max = 0;
  return settings;
}

// The most that one of the next turns adds to a count, once it answers the bystander.
template <typename Count>
std::uint64_t most_in_a_turn(stepped_shard& server, const chat_client& bystander, Count count) {
  std::uint64_t most = 0;
  bystander.send(heartbeat);
  for (int turns = 0; turns < few_turns; ++turns) {
    const std::uint64_t before = count();
    server.turns(1);
    most = std::max(most, count() - before);
    if (has_input(bystander.descriptor())) return most;
  }
  ADD_FAILURE() << "no answer within " << few_turns << " turns";
  return most;
}

TEST(turn, pipelined_requests_leave_a_bystander_its_turn) {
  stepped_shard server(hurried());
  const auto bystander = server.connect("ann");
  const std::string gets = times(3'000, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  std::vector<int> flooders;
  for (int i = 0; i < 32; ++i) flooders.push_back(connect_to(server.loop.port()));
  for (const int flooder : flooders) send_some(flooder, gets);
  EXPECT_LT(most_in_a_turn(server, *bystander, [&] { return server.loop.read().http_requests; }),
            a_turn_s_work);
  for (const int flooder : flooders) ::close(flooder);
}

TEST(turn, a_flood_of_messages_leaves_a_bystander_its_turn) {
  stepped_shard server(hurried());
  const auto bystander = server.connect("ann");
  std::vector<std::unique_ptr<chat_client>> flooders;
  for (int i = 0; i < 32; ++i) flooders.push_back(server.connect("flooder" + std::to_string(i)));
  const std::string beats = times(20'000, test::client_frame(opcode::text, heartbeat));
  for (const auto& flooder : flooders) send_some(flooder->descriptor(), beats);
  const auto served = [&] {
    return server.loop.read().messages_in[static_cast<std::size_t>(request::heartbeat)];
  };
  EXPECT_LT(most_in_a_turn(server, *bystander, served), a_turn_s_work);
}

TEST(turn, calls_of_the_program_leave_clients_their_turn) {
  stepped_shard server(hurried());
  const auto bystander = server.connect("ann");
  std::uint64_t done = 0;
  for (int i = 0; i < 200'000; ++i) {
    server.loop.post(
        [&done](program_calls& calls) {
          calls.send_to("bob", "hi", "server");
          ++done;
        },
        task_queue::free);
  }
  EXPECT_LT(most_in_a_turn(server, *bystander, [&] { return done; }), a_turn_s_work);
}

// Ends the connection with a reset.
void vanish(std::unique_ptr<chat_client> client) {
  const linger at_once{1, 0};
  ::setsockopt(client->descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

// A program that leaves the verdict on every message for later.
handlers deciding_later(std::vector<request_ticket>& asked) {
  handlers called;
  called.message = [&asked](const message_request& one) {
    asked.push_back(one.ticket);
    return verdict{verdict::kind::later};
  };
  return called;
}

// One share of what a connection has sent is served in a visit; nothing else has to arrive for the
// rest of it to follow.
TEST(turn, what_is_left_of_a_burst_follows_by_itself) {
  stepped_shard server;
  const auto client = server.connect("ann");
  constexpr int count = 2'000;
  client->send_raw(times(count, test::client_frame(opcode::text, heartbeat)));
  while (server.loop.read().messages_in[static_cast<std::size_t>(request::heartbeat)] < count) {
    ASSERT_TRUE(server.loop.step());
  }
}

TEST(turn, what_came_before_a_reset_is_served) {
  stepped_shard server;
  const auto witness = server.connect("ann");
  witness->send(R"({"type":"join","room":"a"})");
  auto leaver = server.connect("bob");
  leaver->send(R"({"type":"join","room":"a"})");
  server.turns(2);
  leaver->send(R"({"type":"message","room":"a","content":"last words"})");
  vanish(std::move(leaver));
  server.turns(4);
  std::string heard;
  while (heard.find("user_left") == std::string::npos) {
    const std::string text = witness->text();
    ASSERT_FALSE(text.empty());
    heard += text;
  }
  EXPECT_NE(heard.find("last words"), std::string::npos) << heard;
}

// Behind a close nothing is served, also while the close itself waits for a verdict.
TEST(turn, nothing_is_read_behind_a_close_that_waits_for_a_verdict) {
  std::vector<request_ticket> asked;
  stepped_shard server({.port = 0}, deciding_later(asked));
  const auto client = server.connect("ann");
  client->send(R"({"type":"join","room":"a"})");
  client->send(R"({"type":"message","room":"a","content":"x"})");
  client->send_raw(test::client_frame(opcode::close, ""));
  client->send_raw(test::client_frame(opcode::ping, "are you there"));
  server.turns(3);
  client->send_raw(test::client_frame(opcode::ping, "and now"));
  server.turns(3);
  ASSERT_EQ(asked.size(), 1U);
  decision accepted{asked[0], {}};
  server.loop.post([&](program_calls& calls) { calls.decide({&accepted, 1}); }, task_queue::free);
  server.turns(3);
  std::vector<opcode> got;
  while (const auto frame = client->receive()) got.push_back(frame->code);
  EXPECT_EQ(got, (std::vector<opcode>{opcode::text, opcode::text, opcode::close}));
}

// A client may vanish while the program still thinks about what it said.
TEST(turn, what_waits_for_a_verdict_outlives_its_client) {
  std::vector<request_ticket> asked;
  stepped_shard server({.port = 0}, deciding_later(asked));
  const auto witness = server.connect("ann");
  auto leaver = server.connect("bob");
  for (const auto& client : {witness.get(), leaver.get()}) {
    client->send(R"({"type":"join","room":"a"})");
    server.turns(2);
  }
  leaver->send(R"({"type":"message","room":"a","content":"last words"})");
  server.turns(2);
  vanish(std::move(leaver));
  server.turns(4);
  ASSERT_EQ(asked.size(), 1U);
  server.loop.post([&](program_calls& calls) {
    std::vector<decision> accepted{{asked[0], {}}};
    calls.decide(accepted);
  });
  server.turns(4);
  std::string heard;
  while (heard.find("user_left") == std::string::npos) {
    const std::string text = witness->text();
    ASSERT_FALSE(text.empty()) << heard;
    heard += text;
  }
  EXPECT_NE(heard.find("last words"), std::string::npos) << heard;
  EXPECT_EQ(server.loop.read().connections, 1U);
}

TEST(rate, requests_beyond_a_second_s_are_answered_rate_limited) {
  options settings{.port = 0};
  settings.requests_per_second_max = 10;
  stepped_shard server(settings);
  const auto client = server.connect("ann");
  client->send_raw(times(30, test::client_frame(opcode::text, heartbeat)));
  server.turns(10);
  int served = 0;
  int refused = 0;
  for (int i = 0; i < 30; ++i) {
    const std::string answer = client->text();
    served += answer.find(R"("type":"heartbeat")") != std::string::npos ? 1 : 0;
    refused += answer.find(R"("code":"rate_limited")") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(served + refused, 30);
  EXPECT_GE(served, 10);
  EXPECT_LE(served, 20) << "two windows at the most";
  EXPECT_GT(refused, 0);
}

TEST(rate, fan_out_counts_bytes_times_members) {
  options settings{.port = 0};
  settings.fanout_bytes_per_second_max = 10'000;
  stepped_shard server(settings);
  const auto sender = server.connect("ann");
  const auto member = server.connect("bob");
  for (chat_client* client : {sender.get(), member.get()}) {
    client->send(R"({"type":"join","room":"a"})");
  }
  server.turns(3);
  const std::string message =
      R"({"type":"message","room":"a","content":")" + std::string(1'000, 'x') + "\"}";
  sender->send_raw(times(30, test::client_frame(opcode::text, message)));
  server.turns(10);
  const stats now = server.loop.read();
  EXPECT_GE(now.errors[static_cast<std::size_t>(refusal::rate_limited)], 15U);
  EXPECT_GE(now.publishes, 5U);
}

}  // namespace
}  // namespace chinwag
