// What many get: rooms and direct messages, with everyone's order, memory and time.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "chat_client.hpp"
#include "stepped_shard.hpp"

namespace chinwag {
namespace {

using test::chat_client;
using test::client_frame;
using test::send_some;
using test::stepped_shard;
using test::times;

constexpr const char* join_a = R"({"type":"join","room":"a"})";
constexpr const char* leave_a = R"({"type":"leave","room":"a"})";
constexpr const char* heartbeat = R"({"type":"heartbeat"})";

std::string text_frame(const std::string& text) {
  return client_frame(opcode::text, text);
}

std::string message(const std::string& content, const std::string& room = "a") {
  return R"({"type":"message","room":")" + room + R"(","content":")" + content + "\"}";
}

std::string direct(const std::string& to, const std::string& content) {
  return R"({"type":"direct","to":")" + to + R"(","content":")" + content + "\"}";
}

// What the next texts are about: their content, or else their type.
std::vector<std::string> heard(chat_client& client, std::size_t count) {
  const auto field = [](const std::string& text, const std::string& name) {
    const std::string mark = "\"" + name + "\":\"";
    const std::size_t at = text.find(mark);
    if (at == std::string::npos) return std::string{};
    return text.substr(at + mark.size(), text.find('"', at + mark.size()) - at - mark.size());
  };
  std::vector<std::string> all;
  while (all.size() < count) {
    const std::string text = client.text();
    if (text.empty()) break;
    const std::string content = field(text, "content");
    all.push_back(content.empty() ? field(text, "type") : content);
  }
  return all;
}

using texts = std::vector<std::string>;

TEST(leaving, and_joining_again_in_one_write_keeps_the_sender_s_order) {
  stepped_shard server;
  const auto client = server.connect("ann");
  client->send(join_a);
  server.turns(2);
  client->send_raw(text_frame(message("1")) + text_frame(leave_a) + text_frame(join_a) +
                   text_frame(message("2")) + text_frame(heartbeat));
  server.turns(4);
  // R6 lets a server drop "1"; it may not come behind "2".
  EXPECT_EQ(heard(*client, 5), (texts{"user_joined", "1", "heartbeat", "user_joined", "2"}));
}

TEST(leaving, nothing_of_the_room_comes_behind_a_later_heartbeat_s_answer) {
  stepped_shard server;
  const auto client = server.connect("ann");
  client->send(join_a);
  server.turns(2);
  client->send_raw(text_frame(message("1")) + text_frame(leave_a) + text_frame(heartbeat));
  server.turns(4);
  const texts got = heard(*client, 3);
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(got.back(), "heartbeat");
}

// Memberships that have ended used to pile up on a connection that does not read.
TEST(leaving, pins_no_membership_but_for_an_open_frame) {
  options settings{.port = 0};
  settings.requests_per_second_max = 0;
  stepped_shard server(settings);
  const auto client = server.connect("ann");
  client->send_raw(times(2'000, text_frame(join_a) + text_frame(leave_a)));
  server.turns(400);
  const stats now = server.loop.read();
  EXPECT_EQ(now.messages_in[static_cast<std::size_t>(request::leave)], 2'000U);
  EXPECT_EQ(now.rooms, 0U);
  EXPECT_EQ(now.members, 0U);
}

TEST(frames, larger_than_every_chunk_are_served_whole) {
  handlers called;
  called.message = [](const message_request& asked) {
    return verdict{verdict::kind::change, std::string(asked.content) + "!"};
  };
  stepped_shard server({.port = 0}, called);
  const auto client = server.connect("ann");
  client->send(join_a);
  server.turns(2);
  client->text();
  client->send(message(times(32'700, "\\n")));
  server.turns(20);
  const std::string got = client->text();
  EXPECT_NE(got.find(times(32'700, "\\n") + "!"), std::string::npos) << got.size();
  client->send(message(times(10'000, "\\u0001")));
  server.turns(20);
  EXPECT_NE(client->text().find(times(10'000, "\\u0001") + "!"), std::string::npos);
}

TEST(directs, to_a_thousand_connections_of_a_name_are_kept_once) {
  options settings{.port = 0};
  settings.turn_us = 1'000;
  stepped_shard server(settings);
  const auto sender = server.connect("ann");
  std::vector<std::unique_ptr<chat_client>> targets;
  for (int i = 0; i < 300; ++i) targets.push_back(server.connect("bob"));
  const std::uint64_t before = server.loop.read().memory_bytes;
  std::uint64_t most = 0;
  for (int i = 0; i < 16; ++i) {
    sender->send(direct("bob", std::string(60'000, 'x')));
    server.turns(1);
    most = std::max(most, server.loop.read().memory_bytes - before);
  }
  // Copies would be 16 x 60 kB x 300 = 288 MB.
  EXPECT_LT(most, 4U * 1024 * 1024);
}

TEST(directs, reach_every_connection_once_in_order_while_connections_come) {
  stepped_shard server;
  const auto sender = server.connect("ann");
  const auto first = server.connect("bob");
  const auto say = [&](const std::string& what) {
    sender->send(direct("bob", what));
    server.turns(2);
  };
  say("1");
  const auto second = server.connect("bob");
  say("2");
  say("3");
  const auto third = server.connect("bob");
  say("4");
  EXPECT_EQ(heard(*first, 4), (texts{"1", "2", "3", "4"}));
  EXPECT_EQ(heard(*second, 3), (texts{"2", "3", "4"}));
  EXPECT_EQ(heard(*third, 1), (texts{"4"}));
  EXPECT_EQ(server.loop.read().rooms, 0U) << "a direct log is no room";
  EXPECT_EQ(server.loop.read().members, 0U);
}

TEST(directs, of_the_program_to_a_user_and_to_one_of_its_connections_keep_their_order) {
  connection_handle first{};
  handlers called;
  called.open = [&first](connection_handle who, std::string_view) {
    if (first == connection_handle{}) first = who;
  };
  stepped_shard server({.port = 0}, called);
  const auto one = server.connect("bob");
  const auto two = server.connect("bob");
  server.loop.post(
      [&first](program_calls& calls) {
        calls.send_to("bob", "1", "server");
        calls.send(first, "2", "server");
        calls.send_to("bob", "3", "server");
        calls.send(first, "4", "server");
      },
      task_queue::free);
  server.turns(3);
  EXPECT_EQ(heard(*one, 4), (texts{"1", "2", "3", "4"}));
  EXPECT_EQ(heard(*two, 2), (texts{"1", "3"}));
}

TEST(directs, that_wait_take_no_room_away) {
  options settings{.port = 0};
  settings.rooms_max = 1;
  stepped_shard server(settings);
  const auto one = server.connect("bob");
  const auto two = server.connect("bob");
  one->send_raw(text_frame(direct("bob", "hi")) + text_frame(join_a));
  server.turns(3);
  EXPECT_EQ(heard(*one, 2), (texts{"hi", "user_joined"}));
}

TEST(directs, to_oneself_with_two_connections_come_once_to_each) {
  stepped_shard server;
  const auto one = server.connect("ann");
  const auto two = server.connect("ann");
  one->send(direct("ann", "hi"));
  one->send(heartbeat);
  two->send(heartbeat);
  server.turns(4);
  for (const auto& client : {one.get(), two.get()}) {
    texts got = heard(*client, 2);
    std::sort(got.begin(), got.end());
    EXPECT_EQ(got, (texts{"heartbeat", "hi"}));
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
std::int64_t resident_mib() {
  std::ifstream file("/proc/self/statm");
  std::int64_t total = 0;
  std::int64_t resident = 0;
  file >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE) / (1024 * 1024);
}
#else
// What a sanitizer keeps for itself would be counted, too.
std::int64_t resident_mib() {
  return 0;
}
#endif

TEST(memory, of_members_who_stop_reading_and_vanish_comes_back_each_time) {
  stepped_shard server;
  const std::uint64_t before = server.loop.read().memory_bytes;
  const std::string large(60'000, 'x');
  std::int64_t first = 0;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<chat_client>> silent;
    for (int i = 0; i < 500; ++i) {
      silent.push_back(server.connect("silent" + std::to_string(i)));
      silent.back()->send(join_a);
    }
    server.turns(20);
    for (int i = 0; i < 15; ++i) {
      server.loop.post([&](program_calls& calls) { calls.publish("a", large, "server"); },
                       task_queue::free);
      server.turns(10);
    }
    EXPECT_GT(server.loop.read().memory_bytes, before + 100'000) << "nobody lagged";
    silent.clear();
    while (server.loop.read().connections > 0) server.turns(1);
    server.turns(10);
    if (round == 0) first = resident_mib();
    EXPECT_EQ(server.loop.read().members, 0U);
    EXPECT_EQ(server.loop.read().memory_bytes, before);
    EXPECT_LE(resident_mib(), first + 16) << "round " << round;
  }
}

TEST(draining, tells_members_of_a_large_room_nothing_but_its_close) {
  stepped_shard server;
  std::vector<std::unique_ptr<chat_client>> members;
  constexpr int count = 200;
  for (int i = 0; i < count; ++i) {
    members.push_back(server.connect("member" + std::to_string(i)));
    members.back()->send(join_a);
  }
  server.turns(10);
  const std::uint64_t before = server.loop.read().bytes_out;
  server.loop.drain(5'000);
  server.turns(10);
  EXPECT_LT(server.loop.read().bytes_out - before, count * 64U) << "a close frame each";
  for (const auto& member : members) EXPECT_EQ(member->close_code(), 1012);
}

// A member with a slower link than the sender's reads all the time; it must get everything.
TEST(holding_back, a_member_that_reads_is_not_closed_because_others_send_fast) {
  options settings{.port = 0};
  settings.pending_bytes_max = 256 * 1024;
  settings.room_backlog_bytes_max = 64 * 1024;
  settings.hold_back_ms = 60'000;
  stepped_shard server(settings);
  const auto sender = server.connect("ann");
  const auto slow = server.connect("bob");
  for (const auto& client : {sender.get(), slow.get()}) client->send(join_a);
  server.turns(3);
  const std::string burst = times(200, text_frame(message(std::string(10'000, 'x'))));
  std::string buffer(16'384, '\0');
  std::size_t offset = 0;
  std::uint64_t read_by_slow = 0;
  while (offset < burst.size() || read_by_slow < 200 * 10'000) {
    const ssize_t sent = ::send(sender->descriptor(), burst.data() + offset, burst.size() - offset,
                                MSG_NOSIGNAL | MSG_DONTWAIT);
    offset += sent > 0 ? static_cast<std::size_t>(sent) : 0;
    while (::recv(sender->descriptor(), buffer.data(), buffer.size(), MSG_DONTWAIT) > 0) {
    }
    const ssize_t got = ::recv(slow->descriptor(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    ASSERT_NE(got, 0) << "closed after " << read_by_slow << " bytes";
    read_by_slow += got > 0 ? static_cast<std::uint64_t>(got) : 0;
    server.turns(1);
    ASSERT_EQ(server.loop.read().slow_consumers, 0U);
  }
}

TEST(calls, of_the_program_wait_while_their_room_can_t_keep_up) {
  options settings{.port = 0};
  settings.room_backlog_bytes_max = 64 * 1024;
  settings.turn_us = 100;
  stepped_shard server(settings);
  std::vector<std::unique_ptr<chat_client>> members;
  for (int i = 0; i < 100; ++i) {
    members.push_back(server.connect("member" + std::to_string(i)));
    members.back()->send(join_a);
  }
  server.turns(10);
  const std::string content(60'000, 'x');
  for (int i = 0; i < 200; ++i) {
    server.loop.post([content](program_calls& calls) { calls.publish("a", content, "server"); });
  }
  std::uint64_t most = 0;
  for (int i = 0; i < 50; ++i) {
    server.turns(1);
    most = std::max(most, server.loop.read().memory_bytes);
  }
  EXPECT_LT(most, 3U * 1024 * 1024) << "200 x 60 kB at once would be 12 MB";
}

}  // namespace
}  // namespace chinwag
