// What connections make the server keep: who holds it, who gives way, and what comes back.

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "stepped_shard.hpp"

namespace chinwag {
namespace {

using test::chat_client;
using test::send_some;
using test::stepped_shard;
using test::times;

constexpr const char* heartbeat = R"({"type":"heartbeat"})";

options of_memory(std::uint64_t bytes_max) {
  options settings{.port = 0};
  settings.memory_bytes_max = bytes_max;
  settings.stall_timeout_ms = 600'000;
  settings.close_timeout_ms = 600'000;
  settings.close_total_timeout_ms = 600'000;
  return settings;
}

// What a client sends of a message that it never ends.
std::string part_of_message(std::size_t bytes) {
  const std::string whole = test::client_frame(opcode::text, std::string(bytes + 10, 'x'));
  return whole.substr(0, whole.size() - 10);
}

std::string room_request(const std::string& type, const std::string& room) {
  return test::client_frame(opcode::text,
                            R"({"type":")" + type + R"(","room":")" + room + R"(","content":""})");
}

bool answers(stepped_shard& server, chat_client& bystander) {
  bystander.send(heartbeat);
  if (server.turns_until_input(bystander, 500) < 0) return false;
  return bystander.text().find("heartbeat") != std::string::npos;
}

// Unfinished messages are not waiting for anybody to read: only the bound on memory in all sees
// them.
TEST(memory, beyond_its_bound_the_holders_give_way) {
  options settings{.port = 0};
  settings.memory_bytes_max = 1024 * 1024;
  stepped_shard server(settings);
  std::vector<std::unique_ptr<chat_client>> holders;
  const std::string whole = test::client_frame(opcode::text, std::string(60'000, 'x'));
  const std::string part = whole.substr(0, whole.size() - 10);
  std::uint64_t most = 0;
  for (int i = 0; i < 60; ++i) {
    holders.push_back(server.connect("holder" + std::to_string(i)));
    if (!holders.back()->upgraded()) continue;
    send_some(holders.back()->descriptor(), part);
    server.turns(3);
    most = std::max(most, server.loop.read().memory_bytes);
  }
  EXPECT_LE(most, settings.memory_bytes_max + 128 * 1024);
  EXPECT_GT(most, settings.memory_bytes_max / 2);
  EXPECT_GT(server.loop.read().slow_consumers, 0U);
  const auto newcomer = server.connect("newcomer");
  EXPECT_TRUE(newcomer->upgraded()) << "memory is there again";
}

// Each holds less than any bound for one connection that makes sense, and all together everything.
TEST(memory, many_who_hold_little_give_way) {
  stepped_shard server(of_memory(1024 * 1024));
  const auto bystander = server.connect("bystander");
  std::vector<std::unique_ptr<chat_client>> holders;
  for (int i = 0; i < 400; ++i) {
    holders.push_back(server.connect("holder" + std::to_string(i)));
  }
  for (const auto& holder : holders) send_some(holder->descriptor(), part_of_message(3'400));
  server.turns(20);
  EXPECT_TRUE(answers(server, *bystander));
  EXPECT_LE(server.loop.read().memory_bytes, 1024U * 1024);
  EXPECT_GT(server.loop.read().slow_consumers, 0U);
}

// The next user of a place begins with nothing, or it is called a holder for its predecessor's
// buffers.
TEST(memory, of_a_connection_that_is_gone_is_not_its_successors) {
  stepped_shard server(of_memory(1024 * 1024 * 1024));
  const auto hold_a_byte = [&](const std::string& user) {
    auto client = server.connect(user);
    client->send_raw("\x81");
    server.turns(3);
    return client;
  };
  const auto first = hold_a_byte("first");
  const std::uint64_t of_one = server.loop.read().memory_bytes;
  {
    const auto flooder = server.connect("flooder");
    send_some(flooder->descriptor(), times(100'000, test::client_frame(opcode::text, heartbeat)));
    send_some(flooder->descriptor(), part_of_message(60'000));
    server.turns(200);
    ASSERT_GT(server.loop.read().memory_bytes, of_one + 60'000);
  }
  server.turns(200);
  ASSERT_EQ(server.loop.read().connections, 1U);
  EXPECT_EQ(server.loop.read().memory_bytes, of_one);
  const auto second = hold_a_byte("second");
  EXPECT_EQ(server.loop.read().memory_bytes, 2 * of_one);
}

TEST(memory, of_a_burst_comes_back_when_it_was_served) {
  stepped_shard server(of_memory(1024 * 1024 * 1024));
  const auto client = server.connect("ann");
  client->send_raw(times(2'000, test::client_frame(opcode::text, heartbeat)));
  server.turns(100);
  for (int i = 0; i < 2'000; ++i) ASSERT_FALSE(client->text().empty());
  server.turns(3);
  EXPECT_EQ(server.loop.read().memory_bytes, 0U);
}

// One who takes nothing any more; answers fill what the kernel keeps for it.
std::unique_ptr<chat_client> blocked_member(stepped_shard& server, const std::string& user,
                                            int rooms) {
  auto client = server.connect(user);
  std::string joins;
  for (int i = 0; i < rooms; ++i) joins += room_request("join", user + std::to_string(i));
  client->send_raw(joins);
  server.turns(10);
  const std::string ping = test::client_frame(opcode::ping, std::string(100, 'x'));
  for (int i = 0; i < 200 && server.loop.read().memory_bytes < 100'000; ++i) {
    send_some(client->descriptor(), times(10'000, ping));
    server.turns(50);
  }
  EXPECT_GE(server.loop.read().memory_bytes, 100'000U);
  return client;
}

// What it asked for is served, and nobody is there to read the answers.
TEST(memory, holds_no_answers_for_a_peer_that_is_gone) {
  stepped_shard server(of_memory(1024 * 1024 * 1024));
  {
    const auto client = server.connect("ann");
    send_some(client->descriptor(), times(5'000, test::client_frame(opcode::text, "1")));
    const linger at_once{1, 0};
    ::setsockopt(client->descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  std::uint64_t most = 0;
  for (int i = 0; i < 500; ++i) {
    server.turns(1);
    most = std::max(most, server.loop.read().memory_bytes);
  }
  EXPECT_EQ(server.loop.read().connections, 0U);
  EXPECT_LT(most, 100'000U) << "what is read at a time";
}

// A byte that waits in a room keeps a whole piece of its log. Nobody else holds anything.
TEST(memory, of_rooms_that_wait_for_one_member_is_that_members) {
  options settings = of_memory(4 * 1024 * 1024);
  settings.read_bytes_per_turn = 4'096;
  stepped_shard server(settings);
  const auto bystander = server.connect("bystander");
  const auto member = blocked_member(server, "member", 64);
  for (int i = 0; i < 64; ++i) {
    server.loop.post(
        [i](program_calls& calls) {
          calls.publish("member" + std::to_string(i), std::string(60'000, 'x'), "ann");
        },
        task_queue::free);
  }
  server.turns(100);
  EXPECT_TRUE(answers(server, *bystander));
  EXPECT_EQ(server.loop.read().slow_consumers, 1U);
  EXPECT_LT(server.loop.read().memory_bytes, settings.memory_bytes_max / 2);
}

// What was due to it before its close would keep all that others publish behind that.
TEST(memory, of_a_room_does_not_grow_with_a_member_that_closes_and_takes_nothing) {
  connection_handle who{};
  handlers called;
  called.open = [&](connection_handle opened, std::string_view user) {
    if (user == "member") who = opened;
  };
  stepped_shard server(of_memory(1024 * 1024 * 1024), called);
  const auto member = blocked_member(server, "member", 1);
  const auto other = server.connect("other");
  other->send_raw(room_request("join", "member0"));
  server.turns(5);
  const auto publish = [&] {
    server.loop.post(
        [](program_calls& calls) { calls.publish("member0", std::string(60'000, 'x'), "ann"); },
        task_queue::free);
  };
  publish();
  server.turns(3);
  server.loop.post([who](program_calls& calls) { calls.close(who, 4'000); }, task_queue::free);
  server.turns(3);
  for (int i = 0; i < 100; ++i) {
    publish();
    server.turns(2);
    while (test::has_input(other->descriptor())) other->receive();
  }
  EXPECT_LT(server.loop.read().memory_bytes, 2U * 1024 * 1024);
}

}  // namespace
}  // namespace chinwag
