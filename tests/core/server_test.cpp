#include "chinwag/server.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "chat_client.hpp"

namespace chinwag {
namespace {

using test::chat_client;
using test::client_frame;
using test::has;
using test::running_server;

chat_client join(const running_server& server, const std::string& user, const std::string& room) {
  chat_client client(server.port, "/ws?user=" + user);
  client.text();
  client.send(R"({"type":"join","room":")" + room + R"("})");
  client.text();
  return client;
}

TEST(server, greets_and_serves_a_room) {
  running_server server;
  chat_client ann = join(server, "ann", "a");
  chat_client bob = join(server, "bob", "a");
  EXPECT_TRUE(has(ann.text(), R"("user_joined","room":"a","user":"bob")"));
  bob.send(R"({"type":"message","room":"a","content":"h\u00e9 \"q\""})");
  EXPECT_TRUE(has(ann.text(), R"("user":"bob","content":"h\u00e9 \"q\"")"));
  EXPECT_TRUE(has(bob.text(), R"("type":"message")"));
}

TEST(server, frames_that_come_with_the_upgrade_are_served_after_welcome) {
  running_server server;
  const int descriptor = test::connect_to(server.port);
  const std::string bytes =
      "GET /ws?user=ann HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n" +
      client_frame(opcode::text, R"({"type":"heartbeat"})") + client_frame(opcode::close, "");
  ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  std::string all;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::recv(descriptor, buffer, sizeof buffer, 0)) > 0;) {
    all.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(descriptor);
  const std::size_t welcome = all.find("welcome");
  ASSERT_NE(welcome, std::string::npos) << all;
  EXPECT_GT(all.find("heartbeat"), welcome);
  EXPECT_TRUE(all.ends_with(std::string("\x88\0", 2)));
}

TEST(server, http_is_kept_alive_and_pipelined) {
  running_server server;
  const std::string all = test::http_exchange(
      server.port,
      "GET /health HTTP/1.1\r\nHost: t\r\n\r\nGET /nothing HTTP/1.1\r\nHost: t\r\n\r\n"
      "GET /metrics HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(has(all, R"("status":"ok","implementation":"chinwagd")"));
  EXPECT_TRUE(has(all, "HTTP/1.1 404 "));
  EXPECT_TRUE(has(all, "chinwag_http_requests_total 3\n"));
}

TEST(server, bad_http_costs_that_connection_only) {
  running_server server;
  chat_client ann = join(server, "ann", "a");
  EXPECT_TRUE(test::http_exchange(server.port, "nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(test::http_exchange(server.port, "GET /ws HTTP/1.1\r\nHost: t\r\n\r\n")
                  .starts_with("HTTP/1.1 426 "));
  EXPECT_TRUE(test::http_exchange(server.port, "POST /health HTTP/1.1\r\nHost: t\r\n\r\n")
                  .starts_with("HTTP/1.1 405 "));
  EXPECT_TRUE(
      test::http_exchange(server.port, std::string(9'000, 'x')).starts_with("HTTP/1.1 431 "));
  ann.send(R"({"type":"heartbeat"})");
  EXPECT_TRUE(has(ann.text(), "heartbeat"));
}

TEST(server, a_slow_handshake_is_ended) {
  running_server server({.handshake_timeout_ms = 100});
  EXPECT_EQ(test::http_exchange(server.port, "GET /ws HTTP/1.1\r\n"), "");
  EXPECT_TRUE(server.eventually([](const stats& now) { return now.connections == 0; }));
}

TEST(server, faults_close_with_their_codes) {
  running_server server;
  const std::pair<std::string, int> cases[] = {
      {client_frame(opcode::text, "{"), 1003},
      {client_frame(opcode::binary, "x"), 1003},
      {client_frame(opcode::text, "\xFF"), 1007},
      {client_frame(opcode::text, std::string(65'537, ' ')), 1009},
      {"\x81\x01x", 1002},
      {client_frame(opcode::continuation, "x"), 1002},
      {client_frame(opcode::close, "\x03\xE9going"), 1001},
      {client_frame(opcode::close, "\x03\xED"), 1002},
  };
  for (const auto& [bytes, code] : cases) {
    chat_client client(server.port);
    client.send_raw(bytes);
    EXPECT_EQ(client.close_code(), code);
    EXPECT_TRUE(client.ends());
  }
}

TEST(server, nothing_is_served_after_a_close) {
  running_server server;
  chat_client ann = join(server, "ann", "a");
  chat_client bob = join(server, "bob", "a");
  ann.text();
  bob.send_raw(client_frame(opcode::binary, "x") +
               client_frame(opcode::text, R"({"type":"message","room":"a","content":"late"})"));
  EXPECT_TRUE(has(ann.text(), "user_left"));
  ann.send(R"({"type":"heartbeat"})");
  EXPECT_TRUE(has(ann.text(), "heartbeat"));
}

// A reset may be met first by a send at the end of a turn: those left are told all the same, with
// no other event to wake the loop.
TEST(server, a_reset_amid_deliveries_is_told_to_those_left) {
  running_server server;
  chat_client ann = join(server, "ann", "a");
  for (int i = 0; i < 50; ++i) {
    {
      chat_client victim = join(server, "victim", "a");
      const linger at_once{1, 0};
      ::setsockopt(victim.descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      ann.send(R"({"type":"message","room":"a","content":"x"})");
    }
    std::string told;
    while (!has(told, "user_left")) {
      told = ann.text();
      ASSERT_FALSE(told.empty()) << "not told of reset " << i;
    }
  }
}

TEST(server, pings_and_closes_the_silent) {
  running_server server({.ping_interval_ms = 60, .idle_timeout_ms = 3'000});
  chat_client silent(server.port);
  silent.text();
  const auto first = silent.receive();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->code, opcode::ping);
  EXPECT_EQ(silent.close_code(), 1001);
}

TEST(server, a_pong_keeps_a_connection) {
  running_server server({.ping_interval_ms = 300, .idle_timeout_ms = 3'000});
  chat_client client(server.port);
  client.text();
  for (int i = 0; i < 12; ++i) {  // longer than the silent may be
    const auto frame = client.receive();
    ASSERT_TRUE(frame.has_value());
    ASSERT_EQ(frame->code, opcode::ping) << "closed after " << i << " pongs";
    client.send_raw(client_frame(opcode::pong, frame->payload));
  }
}

TEST(server, echoes_messages_of_any_kind_and_size) {
  running_server server({.echo = true, .echo_bytes_max = 2'000'000});
  chat_client client(server.port, "/echo");
  const std::string large(1'500'000, 'b');
  client.send_raw(client_frame(opcode::text, "te", false) + client_frame(opcode::ping, "p") +
                  client_frame(opcode::continuation, "xt"));
  EXPECT_EQ(client.receive(), (test::wire_frame{opcode::pong, "p"}));
  EXPECT_EQ(client.receive(), (test::wire_frame{opcode::text, "text"}));
  client.send_raw(client_frame(opcode::binary, large));
  const auto echoed = client.receive();
  ASSERT_TRUE(echoed.has_value());
  EXPECT_TRUE(echoed->payload == large);
  client.send_raw(client_frame(opcode::binary, std::string(2'000'001, 'x')).substr(0, 14));
  EXPECT_EQ(client.close_code(), 1009);
}

TEST(server, echo_is_not_there_unless_asked_for) {
  running_server server;
  EXPECT_FALSE(chat_client(server.port, "/echo").upgraded());
}

TEST(server, drains_with_1012_and_ends) {
  running_server server;
  std::vector<chat_client> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(join(server, "u" + std::to_string(i), "a"));
  server.engine.drain(std::chrono::seconds(5));
  for (chat_client& client : clients) EXPECT_EQ(client.close_code(), 1012);
  clients.clear();
  server.engine.join();
  EXPECT_EQ(server.engine.read_stats().connections, 0U);
  EXPECT_EQ(test::connect_to(server.port), -1) << "nobody listens any more";
}

// Whether another server can listen there, within 10 s.
bool becomes_free(std::uint16_t port) {
  server successor({.port = port});
  for (int i = 0; i < 1000; ++i) {
    if (successor.listen()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST(server, one_that_stops_accepting_frees_its_port_and_serves_on) {
  running_server server;
  chat_client ann = join(server, "ann", "a");
  server.engine.stop_accepting();
  server.engine.stop_accepting();
  EXPECT_TRUE(becomes_free(server.port));
  ann.send(R"({"type":"message","room":"a","content":"still here"})");
  EXPECT_TRUE(has(ann.text(), "still here"));
  server.engine.drain(std::chrono::seconds(5));
  EXPECT_EQ(ann.close_code(), 1012);
}

TEST(server, one_that_stopped_accepting_before_it_ran_takes_nobody) {
  server engine({.port = 0});
  const listen_result listening = engine.listen();
  engine.stop_accepting();
  ASSERT_TRUE(engine.run_in_background());
  EXPECT_TRUE(becomes_free(listening.port));
  engine.stop();
  engine.join();
}

TEST(server, a_drain_ends_at_its_deadline) {
  running_server server({.close_timeout_ms = 60'000});
  chat_client deaf = join(server, "deaf", "a");
  const auto begin = std::chrono::steady_clock::now();
  server.engine.drain(std::chrono::milliseconds(200));
  server.engine.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(server, misuse_is_an_error_not_a_crash) {
  server engine({.port = 0});
  EXPECT_EQ(engine.run().code, error::not_listening);
  EXPECT_TRUE(engine.listen());
  EXPECT_EQ(engine.listen().outcome.code, error::already_listening);
  EXPECT_TRUE(engine.run_in_background());
  EXPECT_EQ(engine.run().code, error::already_running);
  engine.stop();
  engine.join();
}

TEST(server, a_port_in_use_is_told) {
  running_server first;
  server second({.port = first.port});
  const listen_result outcome = second.listen();
  EXPECT_EQ(outcome.outcome.code, error::port_in_use);
  EXPECT_TRUE(has(outcome.outcome.text, std::to_string(first.port)));
}

TEST(server, a_host_that_is_no_address_is_told) {
  EXPECT_EQ(server({.host = "nowhere"}).listen().outcome.code, error::address_unusable);
  EXPECT_EQ(server({.host = "192.0.2.1", .port = 0}).listen().outcome.code,
            error::address_unusable);
}

TEST(server, several_live_side_by_side) {
  running_server one;
  running_server two;
  chat_client ann = join(one, "ann", "a");
  chat_client bob = join(two, "bob", "a");
  bob.send(R"({"type":"direct","to":"ann","content":"x"})");
  EXPECT_TRUE(has(bob.text(), "no_such_user"));
}

}  // namespace
}  // namespace chinwag
