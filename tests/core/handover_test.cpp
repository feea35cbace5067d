// Live connections that go from one server to its successor, here in the same process.

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <semaphore>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "chat_client.hpp"
#include "handover/channel.hpp"

namespace chinwag {
namespace {

using test::chat_client;
using test::client_frame;
using test::has;
using test::running_server;
using test::wire_frame;

constexpr int tiny_buffer = 4'096;

std::string message(const std::string& content) {
  return R"({"type":"message","room":"a","content":")" + content + "\"}";
}

chat_client join(std::uint16_t port, const std::string& user, int receive_buffer = 0) {
  chat_client client(port, "/ws?user=" + user, receive_buffer);
  client.text();
  client.send(R"({"type":"join","room":"a"})");
  client.text();
  return client;
}

struct channel_ends {
  channel_ends() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0); }
  ~channel_ends() {
    for (const int end : ends) ::close(end);
  }
  std::array<int, 2> ends{};
};

// A successor that ends after all watches nothing.
status close_all(std::span<const int> descriptors) {
  for (const int descriptor : descriptors) ::close(descriptor);
  return {};
}

// A server that has taken over from another one, and runs.
struct successor {
  explicit successor(server& predecessor, const options& settings = {.port = 0})
      : engine(settings) {
    channel_ends channel;
    listen_result listening;
    std::thread taking([&] { listening = engine.take_over(channel.ends[1]); });
    const status given = predecessor.hand_over(channel.ends[0]);
    taking.join();
    EXPECT_TRUE(given) << given.text;
    EXPECT_TRUE(listening) << listening.outcome.text;
    port = listening.port;
    EXPECT_TRUE(engine.run_in_background());
  }

  server engine;
  std::uint16_t port = 0;
};

TEST(handover, members_go_on_without_noticing) {
  running_server first;
  chat_client ann = join(first.port, "ann");
  chat_client bob = join(first.port, "bob");
  ann.text();  // bob joined
  successor second(first.engine);
  ann.send(message("still here"));
  EXPECT_TRUE(has(ann.text(), "still here"));
  EXPECT_TRUE(has(bob.text(), "still here"));
  bob.send(R"({"type":"direct","to":"ann","content":"psst"})");
  EXPECT_TRUE(has(ann.text(), "psst"));
  bob.send(R"({"type":"leave","room":"a"})");
  EXPECT_TRUE(has(ann.text(), R"("user_left","room":"a","user":"bob")"));
}

TEST(handover, who_comes_later_meets_the_successor_on_the_same_port) {
  running_server first;
  chat_client ann = join(first.port, "ann");
  successor second(first.engine);
  EXPECT_EQ(second.port, first.port);
  chat_client bob = join(first.port, "bob");
  EXPECT_TRUE(has(ann.text(), "bob"));
  EXPECT_EQ(second.engine.read_stats().connections, 2U);
}

TEST(handover, half_a_frame_is_read_on_where_it_stopped) {
  running_server first;
  chat_client ann = join(first.port, "ann");
  const std::string whole = client_frame(opcode::text, message(std::string(3'000, 'x') + "end"));
  ann.send_raw(whole.substr(0, 2'001));
  ASSERT_TRUE(first.eventually([](const stats& now) { return now.bytes_in > 2'000; }));
  successor second(first.engine);
  ann.send_raw(whole.substr(2'001));
  EXPECT_TRUE(has(ann.text(), "xend"));
}

TEST(handover, half_a_header_and_fragments_are_read_on_too) {
  running_server first;
  chat_client ann = join(first.port, "ann");
  chat_client bob = join(first.port, "bob");
  ann.text();
  const std::string text = message("\xE2\x82\xAC!");  // a code point of three bytes, cut below
  const std::size_t cut = text.find('\x82');
  std::string begin = client_frame(opcode::text, text.substr(0, cut));
  begin[0] = static_cast<char>(begin[0] & 0x7F);  // not the last fragment
  const std::string rest = client_frame(opcode::continuation, text.substr(cut));
  ann.send_raw(begin + rest.substr(0, 3));
  const std::string beat = client_frame(opcode::text, R"({"type":"heartbeat"})");
  bob.send_raw(beat.substr(0, 1));
  ASSERT_TRUE(first.eventually([](const stats& now) { return now.bytes_in > 400; }));
  successor second(first.engine);
  ann.send_raw(rest.substr(3));
  EXPECT_TRUE(has(ann.text(), "\xE2\x82\xAC!"));
  EXPECT_TRUE(has(bob.text(), "\xE2\x82\xAC!"));
  bob.send_raw(beat.substr(1));
  EXPECT_TRUE(has(bob.text(), "heartbeat"));
}

TEST(handover, what_waits_for_a_slow_member_comes_whole_and_in_order) {
  running_server first;
  chat_client ann = join(first.port, "ann");
  chat_client slow = join(first.port, "slow", tiny_buffer);
  ann.text();
  constexpr int messages = 60;
  const auto say = [&ann](int number) {
    ann.send(message(std::string(8'000, 'x') + "#" + std::to_string(number) + "#"));
    EXPECT_TRUE(has(ann.text(), "#" + std::to_string(number) + "#"));
  };
  for (int number = 0; number < messages; ++number) say(number);
  successor second(first.engine);
  for (int number = messages; number < 2 * messages; ++number) say(number);
  for (int number = 0; number < 2 * messages; ++number) {
    ASSERT_TRUE(has(slow.text(), "#" + std::to_string(number) + "#")) << number;
  }
}

TEST(handover, a_close_under_way_is_brought_to_its_end) {
  running_server first;
  chat_client ann = join(first.port, "ann");
  chat_client slow = join(first.port, "slow", tiny_buffer);
  ann.text();
  for (int number = 0; number < 60; ++number) {
    ann.send(message(std::string(8'000, 'x')));
    ann.text();
  }
  slow.send_raw(client_frame(opcode::close, std::string("\x03\xE8", 2)));
  ASSERT_TRUE(has(ann.text(), "user_left"));
  successor second(first.engine);
  EXPECT_EQ(slow.close_code(), 1000);
  EXPECT_TRUE(slow.ends());
}

TEST(handover, counters_go_on) {
  running_server first;
  chat_client ann = join(first.port, "ann");
  successor second(first.engine);
  const stats now = second.engine.read_stats();
  EXPECT_EQ(now.upgrades, 1U);
  EXPECT_EQ(now.connections, 1U);
  EXPECT_EQ(now.members, 1U);
  EXPECT_EQ(now.rooms, 1U);
  EXPECT_EQ(first.engine.read_stats().connections, 0U);
}

TEST(handover, one_may_follow_another) {
  running_server first;
  chat_client ann = join(first.port, "ann");
  chat_client bob = join(first.port, "bob");
  ann.text();
  std::unique_ptr<successor> now = std::make_unique<successor>(first.engine);
  for (int number = 0; number < 20; ++number) {
    ann.send(message(std::to_string(number)));
    now = std::make_unique<successor>(now->engine);
    EXPECT_TRUE(has(ann.text(), "\"content\":\"" + std::to_string(number) + "\""));
    EXPECT_TRUE(has(bob.text(), "\"content\":\"" + std::to_string(number) + "\""));
  }
}

TEST(handover, the_server_goes_on_where_nobody_takes_over) {
  running_server first;
  chat_client ann = join(first.port, "ann");
  {
    channel_ends channel;
    ::shutdown(channel.ends[1], SHUT_RDWR);
    EXPECT_EQ(first.engine.hand_over(channel.ends[0]).code, error::system_failure);
  }
  ann.send(message("as before"));
  EXPECT_TRUE(has(ann.text(), "as before"));
}

TEST(handover, the_server_goes_on_where_its_successor_ends_in_the_middle) {
  running_server first;
  chat_client ann = join(first.port, "ann");
  channel_ends channel;
  std::thread taking([&] {
    EXPECT_TRUE(channel::greet(channel.ends[1]));
    EXPECT_TRUE(channel::take_presented(channel.ends[1], close_all));
    image from;
    EXPECT_TRUE(channel::take(channel.ends[1], from));
    for (const int descriptor : from.descriptors) ::close(descriptor);
    ::shutdown(channel.ends[1], SHUT_RDWR);
  });
  const status outcome = first.engine.hand_over(channel.ends[0]);
  taking.join();
  EXPECT_TRUE(has(outcome.text, "the successor does not serve")) << outcome.text;
  ann.send(message("as before"));
  EXPECT_TRUE(has(ann.text(), "as before"));
}

TEST(handover, a_successor_whose_word_comes_too_late_does_not_serve) {
  running_server first;
  chat_client ann = join(first.port, "ann");
  channel_ends channel;
  std::binary_semaphore over{0};
  std::thread taking([&] {
    EXPECT_TRUE(channel::greet(channel.ends[1]));
    EXPECT_TRUE(channel::take_presented(channel.ends[1], close_all));
    image from;
    EXPECT_TRUE(channel::take(channel.ends[1], from));
    for (const int descriptor : from.descriptors) ::close(descriptor);
    over.acquire();
    EXPECT_FALSE(channel::confirm(channel.ends[1])) << "the predecessor goes on";
  });
  const status outcome = first.engine.hand_over(channel.ends[0]);
  over.release();
  taking.join();
  EXPECT_TRUE(has(outcome.text, "the successor does not serve: nothing came for too long"))
      << outcome.text;
  ann.send(message("as before"));
  EXPECT_TRUE(has(ann.text(), "as before"));
}

TEST(handover, a_successor_that_can_not_be_made_ready_leaves_all_to_its_predecessor) {
  running_server first;
  chat_client ann = join(first.port, "ann");
  channel_ends channel;
  server second({.port = 0});
  std::thread taking([&] {
    const listen_result taken = second.take_over(
        channel.ends[1], [] { return status{error::system_failure, "no thread"}; });
    EXPECT_EQ(taken.outcome.text, "no thread");
    ::shutdown(channel.ends[1], SHUT_RDWR);
  });
  EXPECT_FALSE(first.engine.hand_over(channel.ends[0]));
  taking.join();
  ann.send(message("as before"));
  EXPECT_TRUE(has(ann.text(), "as before"));
}

TEST(handover, connections_of_an_address_are_counted_on) {
  const options two{.port = 0, .connections_per_address_max = 2};
  running_server first(two);
  chat_client ann = join(first.port, "ann");
  {
    chat_client bob = join(first.port, "bob");
    ann.text();
    successor second(first.engine, two);
    EXPECT_FALSE(chat_client(first.port, "/ws?user=cat").upgraded());
  }
}

TEST(handover, who_was_silent_for_longer_than_is_allowed_now_is_asked_for_a_sign_of_life) {
  running_server first;
  chat_client ann = join(first.port, "ann");
  std::this_thread::sleep_for(std::chrono::milliseconds(600));
  successor second(first.engine, {.port = 0, .ping_interval_ms = 100, .idle_timeout_ms = 500});
  const std::optional<wire_frame> heard = ann.receive();
  ASSERT_TRUE(heard.has_value());
  EXPECT_EQ(heard->code, opcode::ping);
  ann.send(message("I am here"));
  EXPECT_TRUE(has(ann.text(), "I am here"));
}

TEST(handover, a_successor_of_another_version_gets_nothing) {
  running_server first;
  channel_ends channel;
  const std::string greeting = std::string("chinwag\0", 8) + std::string("\xFF\0\0\0", 4);
  ASSERT_EQ(::send(channel.ends[1], greeting.data(), greeting.size(), 0), 12);
  const status outcome = first.engine.hand_over(channel.ends[0]);
  EXPECT_TRUE(has(outcome.text, "speaks version 255 of the state")) << outcome.text;
}

TEST(handover, requests_that_wait_for_verdicts_are_not_left_behind) {
  running_server first({}, {.message = [](const message_request&) {
                         return verdict{.what = verdict::kind::later};
                       }});
  chat_client ann = join(first.port, "ann");
  ann.send(message("may I?"));
  ASSERT_TRUE(first.eventually([](const stats& now) { return now.messages_in[2] == 1; }));
  channel_ends channel;
  std::thread taking([&] {
    EXPECT_TRUE(channel::greet(channel.ends[1]));
    EXPECT_TRUE(channel::take_presented(channel.ends[1], close_all));
  });
  const status outcome = first.engine.hand_over(channel.ends[0]);
  taking.join();
  EXPECT_TRUE(has(outcome.text, "wait for the program's verdicts")) << outcome.text;
}

TEST(handover, a_server_that_does_not_run_has_nothing_to_hand_over) {
  server idle({.port = 0});
  channel_ends channel;
  EXPECT_TRUE(channel::greet(channel.ends[1]));
  EXPECT_EQ(idle.hand_over(channel.ends[0]).code, error::not_running);
}

TEST(handover, a_state_that_is_cut_short_is_refused_at_any_place) {
  running_server first;
  chat_client ann = join(first.port, "ann");
  image own;
  std::vector<int> ahead;
  const auto expect = [&ahead](std::span<const int> some) {
    ahead.insert(ahead.end(), some.begin(), some.end());
    return status{};
  };
  {
    channel_ends channel;
    std::thread taking([&] {
      EXPECT_TRUE(channel::greet(channel.ends[1]));
      EXPECT_TRUE(channel::take_presented(channel.ends[1], expect));
      EXPECT_TRUE(channel::take(channel.ends[1], own));
      ::shutdown(channel.ends[1], SHUT_RDWR);
    });
    EXPECT_FALSE(first.engine.hand_over(channel.ends[0]));
    taking.join();
  }
  for (std::size_t size = 0; size < own.bytes.size(); ++size) {
    image part{own.bytes.substr(0, size), {}};
    for (const int descriptor : own.descriptors) part.descriptors.push_back(::dup(descriptor));
    channel_ends channel;
    server second({.port = 0});
    std::thread giving([&] {
      EXPECT_TRUE(channel::meet_successor(channel.ends[0]));
      EXPECT_TRUE(channel::present(channel.ends[0], ahead));
      EXPECT_TRUE(channel::end_presenting(channel.ends[0]));
      EXPECT_FALSE(channel::give(channel.ends[0], part));
    });
    EXPECT_FALSE(second.take_over(channel.ends[1])) << size;
    ::shutdown(channel.ends[1], SHUT_RDWR);
    giving.join();
    for (const int descriptor : part.descriptors) ::close(descriptor);
  }
  for (const int descriptor : own.descriptors) ::close(descriptor);
  for (const int descriptor : ahead) ::close(descriptor);
  ann.send(message("as before"));
  EXPECT_TRUE(has(ann.text(), "as before"));
}

}  // namespace
}  // namespace chinwag
