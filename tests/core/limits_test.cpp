// What the server does to those who take too much: slow consumers, floods, no free descriptors.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

#include "chat_client.hpp"

namespace chinwag {
namespace {

using test::chat_client;
using test::running_server;

constexpr int tiny_buffer = 4'096;

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

// Publishes and reads its own messages until the wish about the statistics is fulfilled.
template <typename Wish>
bool publish_until(running_server& server, chat_client& publisher, Wish reached) {
  const std::string message = message_of(32'000);
  for (int i = 0; i < 2'000; ++i) {
    if (reached(server.engine.read_stats())) return true;
    publisher.send(message);
    if (publisher.text().empty()) return false;
  }
  return false;
}

// A server, one who has read nothing, and one who publishes until that one is closed for it.
struct closed_for_slowness {
  explicit closed_for_slowness(std::uint32_t close_timeout_ms)
      : server({.close_timeout_ms = close_timeout_ms, .pending_bytes_max = 100'000}) {
    EXPECT_TRUE(
        publish_until(server, publisher, [](const stats& now) { return now.slow_consumers == 1; }));
  }

  running_server server;
  chat_client slow = join(server, "slow", tiny_buffer);
  chat_client publisher = join(server, "publisher");
};

TEST(slow_consumer, is_closed_and_nobody_else_waits) {
  closed_for_slowness one(500);
  EXPECT_TRUE(one.server.eventually([](const stats& now) { return now.closes[13] == 1; }));
  while (one.publisher.text().find("user_left") == std::string::npos) {
    one.publisher.send(message_of(1));
  }
  EXPECT_TRUE(one.server.eventually([](const stats& now) { return now.connections == 1; }))
      << "reset after the time to close";
}

TEST(slow_consumer, that_reads_again_gets_whole_frames_and_the_close) {
  closed_for_slowness one(5'000);
  EXPECT_EQ(one.slow.close_code(), 1013);
}

// It writes all that it has to say before it reads: unread, both sides would wait for each other.
TEST(slow_consumer, that_still_writes_is_read_and_then_gets_the_close) {
  closed_for_slowness one(30'000);
  std::string rest;
  for (int i = 0; i < 200; ++i) rest += test::client_frame(opcode::text, message_of(32'000));
  EXPECT_TRUE(test::eventually([&] {
    const ssize_t sent =
        ::send(one.slow.descriptor(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) rest.erase(0, static_cast<std::size_t>(sent));
    return rest.empty();
  })) << rest.size()
      << " bytes are left";
  EXPECT_EQ(one.slow.close_code(), 1013);
}

TEST(slow_consumer, without_progress_is_closed_however_little_waits) {
  running_server server({.stall_timeout_ms = 200, .pending_bytes_max = 1'000'000'000});
  const chat_client slow = join(server, "slow", tiny_buffer);
  // More than the kernel keeps for a connection, from somebody who is no member.
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(server.engine.publish("a", std::string(60'000, 'x')));
  }
  EXPECT_TRUE(server.eventually([](const stats& now) { return now.slow_consumers == 1; }));
}

// What a member heard who reads 2,000 bytes every 50 ms, and its longest pause between two reads.
struct slow_reading {
  std::size_t bytes = 0;
  bool ended = false;
  std::chrono::milliseconds longest_pause{0};
};

slow_reading read_slowly(const chat_client& reader, std::size_t wanted) {
  slow_reading found;
  std::array<char, 2'000> taken;
  auto last = std::chrono::steady_clock::now();
  while (found.bytes < wanted && !found.ended) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const ssize_t got = ::recv(reader.descriptor(), taken.data(), taken.size(), MSG_DONTWAIT);
    found.ended = got == 0 || (got < 0 && errno != EAGAIN);
    if (got > 0) found.bytes += static_cast<std::size_t>(got);
    const auto now = std::chrono::steady_clock::now();
    const auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(now - last);
    found.longest_pause = std::max(found.longest_pause, pause);
    last = now;
  }
  return found;
}

// The kernel asks for more only when much of its buffer is free, which takes this one longer than
// the stall timeout. A try in which this machine was too slow to read says nothing.
TEST(slow_consumer, that_takes_something_all_the_time_is_left_alone) {
  slow_reading heard;
  for (int tries = 0; tries < 5; ++tries) {
    running_server server({.stall_timeout_ms = 1'500});
    const chat_client slow = join(server, "slow", tiny_buffer);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(server.engine.publish("a", std::string(60'000, 'x')));
    heard = read_slowly(slow, 300'000);
    if (heard.longest_pause < std::chrono::milliseconds(300)) break;
  }
  EXPECT_FALSE(heard.ended) << "after " << heard.bytes << " bytes";
  EXPECT_GE(heard.bytes, 300'000U);
}

TEST(slow_consumer, that_closes_hears_all_before_the_close_is_answered) {
  slow_reading heard;
  for (int tries = 0; tries < 5; ++tries) {
    running_server server({.close_timeout_ms = 1'500});
    const chat_client slow = join(server, "slow", tiny_buffer);
    chat_client publisher = join(server, "publisher");
    for (int i = 0; i < 5; ++i) publisher.send(message_of(60'000));
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(test::has(publisher.text(), "xxx"));
    slow.send_raw(test::client_frame(opcode::close, std::string("\x03\xe8", 2)));
    heard = read_slowly(slow, 300'000);
    if (heard.longest_pause < std::chrono::milliseconds(300)) break;
  }
  EXPECT_FALSE(heard.ended) << "after " << heard.bytes << " bytes";
  EXPECT_GE(heard.bytes, 300'000U);
}

TEST(slow_consumer, skips_to_the_newest_where_that_is_the_policy) {
  running_server server(
      {.pending_bytes_max = 100'000, .slow_consumer = slow_consumer_policy::skip});
  chat_client slow = join(server, "slow", tiny_buffer);
  chat_client publisher = join(server, "publisher");
  ASSERT_TRUE(
      publish_until(server, publisher, [](const stats& now) { return now.skipped_bytes > 0; }));
  std::string told;
  while (told.find("\"skipped\"") == std::string::npos) {
    told = slow.text();
    ASSERT_FALSE(told.empty()) << "the connection ended";
  }
  EXPECT_NE(told.find(R"("room":"a","from":)"), std::string::npos);
  publisher.send(R"({"type":"message","room":"a","content":"newest"})");
  while (slow.text().find("newest") == std::string::npos) {
  }
  EXPECT_EQ(server.engine.read_stats().closes[13], 0U);
}

// Sends heartbeats and reads no answer; true if the server stopped to take them, though the
// connection stands. Nothing is sent twice: the frames stay in step.
bool flood(const chat_client& flooder) {
  std::string frames;
  for (int i = 0; i < 1'000; ++i) {
    frames += test::client_frame(opcode::text, R"({"type":"heartbeat"})");
  }
  const timeval patience{0, 300'000};
  ::setsockopt(flooder.descriptor(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  std::size_t at = 0;
  for (std::size_t taken = 0; taken < 1'000 * frames.size();) {
    const ssize_t sent =
        ::send(flooder.descriptor(), frames.data() + at, frames.size() - at, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    taken += static_cast<std::size_t>(sent);
    at = (at + static_cast<std::size_t>(sent)) % frames.size();
  }
  return false;
}

// A client that floods and does not read is answered only as far as its outbox may grow.
TEST(flood, of_heartbeats_is_not_read_for_while_its_answers_wait) {
  running_server server({.stall_timeout_ms = 60'000});
  const chat_client flooder(server.port, "/ws", tiny_buffer);
  EXPECT_TRUE(flood(flooder)) << "the server took it all";
  chat_client other(server.port);
  EXPECT_NE(other.text().find("welcome"), std::string::npos);
}

// Much of what came waits unserved then, and more is in the socket: once the connection closes, it
// is read on to find the client's end. AddressSanitizer saw that overrun the buffer.
TEST(flood, that_stalls_is_closed_and_what_was_not_served_is_forgotten) {
  running_server server({.stall_timeout_ms = 500, .close_timeout_ms = 500});
  const chat_client flooder(server.port, "/ws", tiny_buffer);
  flood(flooder);  // or the server closes before it is told to wait: that is what is proven here
  EXPECT_TRUE(server.eventually([](const stats& now) { return now.slow_consumers == 1; }));
  EXPECT_TRUE(server.eventually([](const stats& now) { return now.connections == 0; }));
}

TEST(flood, does_not_outlive_a_drain) {
  running_server server({.stall_timeout_ms = 60'000, .close_timeout_ms = 200});
  const chat_client flooder(server.port, "/ws", tiny_buffer);
  ASSERT_TRUE(flood(flooder)) << "the server took it all";
  server.engine.drain(std::chrono::milliseconds(2'000));
  EXPECT_TRUE(server.eventually([](const stats& now) { return now.connections == 0; }));
}

// Every descriptor of the process is taken: the server must wait without spinning, and go on.
TEST(descriptors, none_left_is_neither_an_end_nor_a_busy_loop) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  running_server server;
  const int ours = test::connect_to(server.port);
  ASSERT_TRUE(server.eventually([](const stats& now) { return now.accepted == 1; }));
  const int waiting = ::socket(AF_INET, SOCK_STREAM, 0);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(waiting) + 1;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  ::close(waiting);
  const int refused = test::connect_to(server.port);  // takes the last one
  EXPECT_TRUE(server.eventually([](const stats& now) { return now.accept_failures > 0; }));
  const std::uint64_t turns = server.engine.read_stats().turns;
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LT(server.engine.read_stats().turns - turns, 50U);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(server.eventually([](const stats& now) { return now.accepted == 2; }));
  ::close(refused);
  ::close(ours);
}

}  // namespace
}  // namespace chinwag
