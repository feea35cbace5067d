// Several nodes: servers of this process on one bus, and clients on all of them.

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "bus.hpp"
#include "chat_client.hpp"

namespace chinwag {
namespace {

using test::bus;
using test::chat_client;
using test::client_frame;
using test::has;

std::string joining(const std::string& room) {
  return R"({"type":"join","room":")" + room + "\"}";
}
std::string message(const std::string& content, const std::string& room = "a") {
  return R"({"type":"message","room":")" + room + R"(","content":")" + content + "\"}";
}
std::string direct(const std::string& to, const std::string& content) {
  return R"({"type":"direct","to":")" + to + R"(","content":")" + content + "\"}";
}
constexpr auto beat = R"({"type":"heartbeat"})";

struct node : test::running_server {
  explicit node(bus& of) : running_server({}, {}, of.line()) {}

  chat_client connect(const std::string& user) const {
    chat_client client(port, "/ws?user=" + user);
    EXPECT_TRUE(has(client.text(), "welcome"));
    return client;
  }

  chat_client join(const std::string& user, const std::string& room = "a") const {
    chat_client client = connect(user);
    client.send(joining(room));
    EXPECT_TRUE(has(client.text(), "user_joined"));
    return client;
  }

  std::string health() const {
    return test::http_exchange(port,
                               "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  }
};

// What asks for ann's upgrade.
constexpr std::string_view anns_upgrade =
    "GET /ws?user=ann HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

struct cluster : testing::Test {
  bus between;
  node one{between};
  node two{between};
};

TEST_F(cluster, a_message_reaches_members_of_its_room_on_all_nodes_once) {
  chat_client ann = one.join("ann");
  chat_client bob = two.join("bob");
  EXPECT_TRUE(has(ann.text(), R"("user_joined","room":"a","user":"bob")"));
  ann.send(message("first"));
  bob.send(message("second"));
  ann.send(beat);
  bob.send(beat);
  std::string to_ann = ann.text() + ann.text() + ann.text();
  std::string to_bob = bob.text() + bob.text() + bob.text();
  for (const std::string& all : {to_ann, to_bob}) {
    EXPECT_TRUE(has(all, "first"));
    EXPECT_TRUE(has(all, "second"));
    EXPECT_TRUE(has(all, "heartbeat"));
  }
}

TEST_F(cluster, a_room_that_nobody_is_in_on_the_other_node_is_not_heard_there) {
  chat_client ann = one.join("ann");
  ann.send(message("alone"));
  EXPECT_TRUE(has(ann.text(), "alone"));
  EXPECT_EQ(between.subscriptions()["ra"], 1U);
}

TEST_F(cluster, messages_of_a_sender_keep_their_order_among_rooms_and_users) {
  chat_client bob = two.join("bob");
  chat_client ann = one.join("ann");
  bob.text();
  std::string all;
  for (int i = 0; i < 50; ++i) {
    all += client_frame(opcode::text, message("m" + std::to_string(i)));
  }
  ann.send_raw(all);
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(has(bob.text(), "\"m" + std::to_string(i) + "\""));
  }
}

TEST_F(cluster, what_a_turn_publishes_in_a_room_leaves_together) {
  chat_client ann = one.join("ann");
  const std::size_t before = between.publications("ra");
  std::string all;
  for (int i = 0; i < 60; ++i) all += client_frame(opcode::text, message("m"));
  ann.send_raw(all);
  for (int i = 0; i < 60; ++i) ann.text();
  EXPECT_LT(between.publications("ra") - before, 60U);
}

TEST_F(cluster, a_direct_message_finds_its_user_on_any_node) {
  chat_client ann = one.connect("ann");
  chat_client bob = two.connect("bob");
  ann.send(direct("bob", "psst"));
  EXPECT_TRUE(has(bob.text(), "psst"));
}

TEST_F(cluster, a_user_with_connections_on_both_nodes_gets_it_on_all_of_them) {
  chat_client here = one.connect("bob");
  chat_client there = two.connect("bob");
  chat_client ann = one.connect("ann");
  ann.send(direct("bob", "psst"));
  EXPECT_TRUE(has(here.text(), "psst"));
  EXPECT_TRUE(has(there.text(), "psst"));
}

TEST_F(cluster, a_direct_message_to_nobody_on_any_node_is_refused) {
  chat_client ann = one.connect("ann");
  ann.send(direct("zoe", "psst"));
  EXPECT_TRUE(has(ann.text(), "no_such_user"));
}

TEST_F(cluster, a_join_is_answered_once_other_nodes_are_heard) {
  chat_client ann = one.connect("ann");
  between.hold_subscriptions();
  ann.send(joining("a"));
  ann.send(message("behind the join"));
  ASSERT_TRUE(test::eventually([&] { return one.engine.read_stats().messages_in[0] == 1; }));
  between.release_subscriptions();
  EXPECT_TRUE(has(ann.text(), "user_joined"));
  EXPECT_TRUE(has(ann.text(), "behind the join"));
}

TEST_F(cluster, a_join_that_waits_is_answered_when_the_backplane_is_cut) {
  chat_client ann = one.connect("ann");
  between.hold_subscriptions();
  ann.send(joining("a"));
  ASSERT_TRUE(test::eventually([&] { return one.engine.read_stats().messages_in[0] == 1; }));
  between.go_down();
  const std::string answers = ann.text() + ann.text();
  EXPECT_TRUE(has(answers, "user_joined"));
  EXPECT_TRUE(has(answers, "unavailable"));  // nobody elsewhere was told
}

TEST_F(cluster, a_join_whose_announcement_is_lost_is_served_and_told_of) {
  chat_client ann = one.connect("ann");
  between.lose(1);
  ann.send(joining("a"));
  EXPECT_TRUE(has(ann.text(), "user_joined"));
  EXPECT_TRUE(has(ann.text(), "unavailable"));
  ann.send(message("goes on"));
  EXPECT_TRUE(has(ann.text(), "goes on"));
}

TEST_F(cluster, a_direct_message_that_is_lost_is_answered) {
  chat_client ann = one.connect("ann");
  between.lose(1);
  ann.send(direct("zoe", "psst"));
  ann.send(beat);
  EXPECT_TRUE(has(ann.text(), "unavailable"));
  EXPECT_TRUE(has(ann.text(), "heartbeat"));
}

TEST_F(cluster, who_goes_while_a_join_is_under_way_is_said_to_have_left) {
  chat_client bob = two.join("bob");
  for (int i = 0; i < 50; ++i) {
    {
      const chat_client ann = one.connect("ann");
      ann.send(joining("a"));
    }
    ASSERT_TRUE(test::eventually([&] { return one.engine.read_stats().connections == 0; }));
  }
  // Every join is followed by an end, however far it had come.
  bob.send(beat);
  int inside = 0;
  for (std::string text = bob.text(); !has(text, "heartbeat"); text = bob.text()) {
    inside += has(text, "user_joined") ? 1 : -1;
    EXPECT_TRUE(inside == 0 || inside == 1);
  }
  EXPECT_TRUE(inside == 0 || has(bob.text(), "user_left"));
}

TEST_F(cluster, who_is_welcomed_is_reached_from_other_nodes) {
  between.hold_subscriptions();
  const int socket = test::connect_to(one.port);
  const std::string behind = client_frame(opcode::text, beat);
  const std::string both = std::string(anns_upgrade) + behind;
  ASSERT_EQ(::send(socket, both.data(), both.size(), 0), static_cast<ssize_t>(both.size()));
  ASSERT_TRUE(test::eventually([&] { return one.engine.read_stats().http_requests == 1; }));
  EXPECT_EQ(one.engine.read_stats().upgrades, 0U);
  between.release_subscriptions();
  ASSERT_TRUE(test::eventually([&] { return one.engine.read_stats().upgrades == 1; }));
  std::string answer;
  std::array<char, 4096> buffer{};
  while (!has(answer, "heartbeat")) {
    const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
    ASSERT_GT(got, 0);
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
  EXPECT_LT(answer.find("101 Switching"), answer.find("welcome"));
  EXPECT_LT(answer.find("welcome"), answer.find("heartbeat"));
  ::close(socket);
}

TEST_F(cluster, one_that_goes_while_its_upgrade_waits_is_forgotten) {
  between.hold_subscriptions();
  const int socket = test::connect_to(one.port);
  ASSERT_EQ(::send(socket, anns_upgrade.data(), anns_upgrade.size(), 0),
            static_cast<ssize_t>(anns_upgrade.size()));
  ASSERT_TRUE(test::eventually([&] { return one.engine.read_stats().http_requests == 1; }));
  const linger reset{1, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  ::close(socket);
  between.release_subscriptions();
  EXPECT_TRUE(test::eventually([&] { return one.engine.read_stats().connections == 0; }));
  EXPECT_TRUE(test::eventually([&] { return between.subscriptions().empty(); }));
}

TEST_F(cluster, while_the_backplane_is_down_rooms_go_on_and_the_sender_is_told) {
  chat_client ann = one.join("ann");
  chat_client bob = two.join("bob");
  ann.text();
  between.go_down();
  ASSERT_TRUE(test::eventually([&] { return has(one.health(), R"("backplane":"down")"); }));
  ann.send(message("alone"));
  const std::string answers = ann.text() + ann.text();
  EXPECT_TRUE(has(answers, "alone"));
  EXPECT_TRUE(has(answers, "unavailable"));
  between.go_up();
  ASSERT_TRUE(test::eventually([&] { return between.subscriptions()["ra"] == 2; }));
  ann.send(message("together again"));
  EXPECT_TRUE(has(bob.text(), "together again"));
}

TEST_F(cluster, what_is_said_before_all_nodes_are_back_is_told_of) {
  chat_client ann = one.join("ann");
  chat_client bob = two.join("bob");
  ann.text();
  ann.send(message("before"));
  EXPECT_TRUE(has(ann.text(), "before"));
  EXPECT_TRUE(has(bob.text(), "before"));
  between.hold_subscriptions();
  between.go_down();
  between.go_up();
  ASSERT_TRUE(test::eventually([&] { return between.release_subscriptions_of("uann"); }));
  ann.send(message("too early"));
  const std::string answers = ann.text() + ann.text();
  EXPECT_TRUE(has(answers, "too early"));
  EXPECT_TRUE(has(answers, "unavailable"));
  between.release_subscriptions();
  ASSERT_TRUE(test::eventually([&] { return between.subscriptions()["ra"] == 2; }));
  ann.send(message("together"));
  EXPECT_TRUE(has(bob.text(), "together"));
  EXPECT_TRUE(has(ann.text(), "together"));
  ann.send(beat);
  EXPECT_TRUE(has(ann.text(), "heartbeat")) << "nothing was lost of this one";
}

TEST_F(cluster, every_message_that_was_lost_on_its_way_is_told_of) {
  chat_client bob = two.join("bob");
  chat_client ann = one.join("ann");
  bob.text();
  between.lose(1'000);
  std::string all;
  for (int i = 0; i < 20; ++i) all += client_frame(opcode::text, message("m"));
  ann.send_raw(all);
  int told = 0;
  for (int i = 0; i < 40; ++i) told += has(ann.text(), "unavailable") ? 1 : 0;
  EXPECT_EQ(told, 20);
}

TEST_F(cluster, members_elsewhere_hear_of_the_last_one_here_who_leaves) {
  chat_client bob = two.join("bob");
  chat_client ann = one.join("ann");
  bob.text();
  ann.send(R"({"type":"leave","room":"a"})");
  EXPECT_TRUE(has(bob.text(), R"("user_left","room":"a","user":"ann")"));
  EXPECT_TRUE(test::eventually([&] { return between.subscriptions()["ra"] == 1; }));
}

TEST_F(cluster, members_elsewhere_hear_of_those_whom_a_drain_closes) {
  chat_client bob = two.join("bob");
  chat_client ann = one.join("ann");
  bob.text();
  one.engine.drain(std::chrono::seconds(5));
  EXPECT_EQ(ann.close_code(), close_code::restart);
  EXPECT_TRUE(has(bob.text(), "user_left"));
}

TEST_F(cluster, what_is_not_needed_any_more_is_not_subscribed_to) {
  {
    chat_client ann = one.join("ann");
    EXPECT_EQ(between.subscriptions().size(), 2U);  // the room and the user
  }
  EXPECT_TRUE(test::eventually([&] { return between.subscriptions().empty(); }));
}

TEST_F(cluster, a_room_that_is_left_and_joined_again_is_heard) {
  chat_client bob = two.join("bob");
  chat_client ann = one.join("ann");
  bob.text();
  for (int i = 0; i < 20; ++i) {
    ann.send(R"({"type":"leave","room":"a"})");
    ann.send(joining("a"));
    EXPECT_TRUE(has(bob.text(), "user_left"));
    EXPECT_TRUE(has(bob.text(), "user_joined"));
    EXPECT_TRUE(has(ann.text(), "user_joined"));
    bob.send(message("still here"));
    EXPECT_TRUE(has(ann.text(), "still here"));
    EXPECT_TRUE(has(bob.text(), "still here"));
  }
}

TEST_F(cluster, bytes_that_are_no_frames_are_dropped) {
  chat_client ann = one.join("ann");
  const std::string stranger = "another.12345678";  // which node, which of its publications
  const std::string good = std::string("\x81\x05", 2) + "{\"a\"}";
  for (const std::string& bad :
       {std::string("short"), stranger, stranger + "\x81", stranger + "\x88\x02..",
        stranger + good + "rest", stranger + std::string("\x81\x7e\x00\x02..", 6),
        stranger + std::string("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xf6..........", 20)}) {
    between.inject("ra", bad);
  }
  between.inject("ra", stranger + good);
  EXPECT_EQ(ann.text(), "{\"a\"}");
  const std::string numbers = test::http_exchange(
      one.port, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(has(numbers, "chinwag_backplane_dropped_total 7\n"));
  EXPECT_TRUE(has(numbers, "chinwag_backplane_arrived_total 1\n"));
}

TEST_F(cluster, health_says_whether_other_nodes_are_reached) {
  EXPECT_TRUE(has(one.health(), R"("backplane":"up")"));
  between.go_down();
  EXPECT_TRUE(test::eventually([&] { return has(one.health(), R"("backplane":"down")"); }));
}

TEST_F(cluster, a_program_s_messages_reach_other_nodes) {
  chat_client bob = two.join("bob");
  ASSERT_TRUE(one.engine.publish("a", "to the room"));
  EXPECT_TRUE(has(bob.text(), "to the room"));
  ASSERT_TRUE(one.engine.send_to("bob", "to the user"));
  EXPECT_TRUE(has(bob.text(), "to the user"));
}

TEST_F(cluster, a_successor_of_a_node_hears_the_others) {
  chat_client bob = two.join("bob");
  chat_client ann = one.join("ann");
  bob.text();
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  server next({.port = 0}, {}, {}, between.line());
  std::thread taking([&] { EXPECT_TRUE(next.take_over(ends[1])); });
  EXPECT_TRUE(one.engine.hand_over(ends[0]));
  taking.join();
  ASSERT_TRUE(next.run_in_background());
  // The predecessor's end is there until it is destroyed.
  ASSERT_TRUE(test::eventually([&] { return between.subscriptions()["ra"] == 3; }));
  bob.send(message("to the successor"));
  EXPECT_TRUE(has(ann.text(), "to the successor"));
  ann.send(message("from the successor"));
  EXPECT_TRUE(has(bob.text() + bob.text(), "from the successor"));
  next.stop();
  next.join();
  for (const int end : ends) ::close(end);
}

TEST(standing_alone, health_does_not_speak_of_other_nodes) {
  test::running_server alone;
  const std::string answer = test::http_exchange(
      alone.port, "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_FALSE(has(answer, "backplane"));
}

}  // namespace
}  // namespace chinwag
