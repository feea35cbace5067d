// HTTP as a running server speaks it, and who may connect.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "chat_client.hpp"

namespace chinwag {
namespace {

using test::chat_client;
using test::has;
using test::http_exchange;
using test::running_server;

std::size_t count(const std::string& text, const std::string& piece) {
  std::size_t found = 0;
  for (std::size_t at = text.find(piece); at != text.npos; at = text.find(piece, at + 1)) ++found;
  return found;
}

std::string upgrade(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: chat.test:1\r\n" + fields +
         "Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: foo\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
}

// The first line of the answer.
std::string answer(const running_server& server, const std::string& request) {
  const int descriptor = test::connect_to(server.port);
  std::string line;
  char c = 0;
  ::send(descriptor, request.data(), request.size(), MSG_NOSIGNAL);
  while (!has(line, "\r\n") && ::recv(descriptor, &c, 1, 0) == 1) line.push_back(c);
  ::close(descriptor);
  return line.substr(0, 12);
}

TEST(http_server, upgrades_with_list_fields_in_lines_and_an_absolute_target) {
  running_server server;
  EXPECT_EQ(answer(server, upgrade("/ws?user=ann")), "HTTP/1.1 101");
  EXPECT_EQ(answer(server, "\r\n" + upgrade("http://chat.test:1/ws?user=ann")), "HTTP/1.1 101");
  EXPECT_EQ(answer(server, upgrade("/ws", "Sec-WebSocket-Version: 13\r\n")), "HTTP/1.1 400");
}

TEST(http_server, answers_head_without_a_body_and_stays_in_step) {
  running_server server;
  const std::string head = "HEAD /health HTTP/1.1\r\nHost: t\r\n\r\n";
  const std::string lost = "HEAD /lost HTTP/1.1\r\nHost: t\r\n\r\n";
  const std::string last = "GET /health HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
  const std::string all = http_exchange(server.port, head + head + lost + last);
  EXPECT_EQ(count(all, "HTTP/1.1 200 OK\r\n"), 3U) << all;
  EXPECT_EQ(count(all, "\r\n\r\nHTTP/1.1 "), 3U) << "a body after HEAD: " << all;
  EXPECT_EQ(count(all, "\"status\":\"ok\""), 1U);
  const std::string length = all.substr(all.find("Content-Length: "), 19);
  EXPECT_EQ(count(all, length), 3U) << "HEAD tells the length that GET has";
  EXPECT_TRUE(has(http_exchange(server.port, "HEAD /health HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 "));
  EXPECT_TRUE(
      http_exchange(server.port, "HEAD /ws HTTP/1.1\r\nHost: t\r\n\r\n").ends_with("\r\n\r\n"));
}

TEST(http_server, serves_nothing_behind_a_body_that_it_does_not_read) {
  running_server server;
  for (const char* field :
       {"Transfer-Encoding: chunked, x", "Transfer-Encoding: gzip", "Content-Length: 5"}) {
    const std::string all =
        http_exchange(server.port, std::string("GET /health HTTP/1.1\r\nHost: t\r\n") + field +
                                       "\r\n\r\nGET /health HTTP/1.1\r\nHost: t\r\n\r\n");
    EXPECT_TRUE(all.starts_with("HTTP/1.1 400 ")) << field;
    EXPECT_EQ(count(all, "HTTP/1.1 "), 1U) << field;
    EXPECT_TRUE(has(all, "Connection: close\r\n")) << field;
  }
}

TEST(http_server, ends_a_connection_after_so_many_requests) {
  running_server server({.http_requests_per_connection_max = 3});
  std::string five;
  for (int i = 0; i < 5; ++i) five += "GET /lost HTTP/1.1\r\nHost: t\r\n\r\n";
  const std::string all = http_exchange(server.port, five);
  EXPECT_EQ(count(all, "HTTP/1.1 404 "), 3U);
  EXPECT_EQ(count(all, "Connection: close\r\n"), 1U);
}

TEST(http_server, lets_in_pages_of_its_own_host_or_of_those_listed) {
  running_server own;
  EXPECT_EQ(answer(own, upgrade("/ws")), "HTTP/1.1 101") << "no browser";
  EXPECT_EQ(answer(own, upgrade("/ws", "Origin: https://Chat.test:1\r\n")), "HTTP/1.1 101");
  EXPECT_EQ(answer(own, upgrade("/ws", "Origin: https://evil.test\r\n")), "HTTP/1.1 403");
  EXPECT_EQ(answer(own, upgrade("/ws", "Origin: null\r\n")), "HTTP/1.1 403");
  running_server listed({.allowed_origins = "https://a.test,https://b.test"});
  EXPECT_EQ(answer(listed, upgrade("/ws", "Origin: https://B.test\r\n")), "HTTP/1.1 101");
  EXPECT_EQ(answer(listed, upgrade("/ws", "Origin: http://b.test\r\n")), "HTTP/1.1 403");
  EXPECT_EQ(answer(listed, upgrade("/ws", "Origin: http://chat.test:1\r\n")), "HTTP/1.1 403");
  running_server any({.allowed_origins = "*"});
  EXPECT_EQ(answer(any, upgrade("/ws", "Origin: https://evil.test\r\n")), "HTTP/1.1 101");
}

TEST(http_server, keeps_the_programs_name_for_the_program) {
  running_server server;
  EXPECT_EQ(answer(server, upgrade("/ws?user=server")), "HTTP/1.1 403");
  EXPECT_EQ(answer(server, upgrade("/ws?user=%73erver")), "HTTP/1.1 403");
  EXPECT_EQ(answer(server, upgrade("/ws?user=servers")), "HTTP/1.1 101");
}

TEST(http_server, serves_health_and_metrics_unless_told_not_to) {
  running_server silent({.serve_health = false, .serve_metrics = false});
  running_server open;
  for (const char* path : {"/health", "/metrics"}) {
    const std::string request = std::string("GET ") + path + " HTTP/1.1\r\nHost: t\r\n\r\n";
    EXPECT_EQ(answer(silent, request), "HTTP/1.1 404") << path;
    EXPECT_EQ(answer(open, request), "HTTP/1.1 200") << path;
  }
}

TEST(http_server, refuses_connections_beyond_what_all_may_have) {
  running_server server({.connections_max = 2});
  const chat_client ann(server.port, "/ws?user=ann");
  const int idle = test::connect_to(server.port);
  ASSERT_TRUE(server.eventually([](const stats& now) { return now.connections == 2; }));
  EXPECT_EQ(answer(server, ""), "HTTP/1.1 503");
  const std::string health = "GET /health HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
  ::send(idle, health.data(), health.size(), MSG_NOSIGNAL);
  char byte = 0;
  EXPECT_EQ(::recv(idle, &byte, 1, 0), 1) << "those who are connected are served";
  ::close(idle);
  ASSERT_TRUE(server.eventually([](const stats& now) { return now.connections == 1; }));
  EXPECT_EQ(answer(server, health), "HTTP/1.1 200");
}

TEST(http_server, refuses_websockets_beyond_what_a_user_may_have) {
  running_server server({.connections_per_user_max = 2});
  {
    const chat_client one(server.port, "/ws?user=ann");
    const chat_client two(server.port, "/ws?user=ann");
    ASSERT_TRUE(one.upgraded() && two.upgraded());
    EXPECT_EQ(answer(server, upgrade("/ws?user=ann")), "HTTP/1.1 503");
    EXPECT_EQ(answer(server, upgrade("/ws?user=bob")), "HTTP/1.1 101");
  }
  ASSERT_TRUE(server.eventually([](const stats& now) { return now.connections == 0; }));
  EXPECT_EQ(answer(server, upgrade("/ws?user=ann")), "HTTP/1.1 101");
}

// The loopback network has as many addresses as a test wants.
std::string answer_from(const running_server& server, const char* address) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in end{};
  end.sin_family = AF_INET;
  ::inet_pton(AF_INET, address, &end.sin_addr);
  EXPECT_EQ(::bind(descriptor, reinterpret_cast<sockaddr*>(&end), sizeof end), 0);
  end.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  end.sin_port = htons(server.port);
  EXPECT_EQ(::connect(descriptor, reinterpret_cast<sockaddr*>(&end), sizeof end), 0);
  const std::string request = "GET /health HTTP/1.0\r\n\r\n";
  ::send(descriptor, request.data(), request.size(), MSG_NOSIGNAL);
  std::string line(12, '\0');
  const ssize_t got = ::recv(descriptor, line.data(), line.size(), MSG_WAITALL);
  ::close(descriptor);
  return got < 0 ? "" : line.substr(0, static_cast<std::size_t>(got));
}

TEST(http_server, refuses_connections_beyond_what_an_address_may_have) {
  running_server server({.connections_per_address_max = 2});
  {
    const chat_client one(server.port);
    const chat_client two(server.port);
    ASSERT_TRUE(one.upgraded() && two.upgraded());
    EXPECT_EQ(answer(server, ""), "HTTP/1.1 503");
    EXPECT_EQ(answer_from(server, "127.0.0.9"), "HTTP/1.1 200");
  }
  ASSERT_TRUE(server.eventually([](const stats& now) { return now.connections == 0; }));
  EXPECT_EQ(answer_from(server, "127.0.0.1"), "HTTP/1.1 200");
}

TEST(http_server, refuses_rooms_beyond_what_all_may_have) {
  running_server server({.rooms_max = 1});
  chat_client ann(server.port, "/ws?user=ann");
  chat_client bob(server.port, "/ws?user=bob");
  ann.text();
  bob.text();
  ann.send(R"({"type":"join","room":"a"})");
  EXPECT_TRUE(has(ann.text(), "user_joined"));
  bob.send(R"({"type":"join","room":"b"})");
  EXPECT_TRUE(has(bob.text(), "unavailable"));
  bob.send(R"({"type":"join","room":"a"})");
  EXPECT_TRUE(has(bob.text(), "user_joined")) << "the room that there is has no limit";
}

TEST(http_server, listens_on_names_and_on_ipv6) {
  std::string said;
  for (const char* host : {"localhost", "::1"}) {
    server engine({.host = host, .port = 0},
                  [&](log_level, std::string_view text) { said = text; });
    const listen_result bound = engine.listen();
    if (bound.outcome.code == error::address_unusable && std::string(host) == "::1") {
      GTEST_SKIP() << "no IPv6 here";
    }
    ASSERT_TRUE(bound) << bound.outcome.text;
    engine.stop();
    EXPECT_TRUE(engine.run());
    const std::string six = std::string(host) == "::1" ? "[::1]" : host;
    EXPECT_NE(said, "") << "the last line";
    server again({.host = host, .port = 0}, [&](log_level, std::string_view text) {
      if (text.starts_with("serving")) said = text;
    });
    const std::uint16_t port = again.listen().port;
    again.stop();
    again.run();
    EXPECT_EQ(said, "serving on " + six + ":" + std::to_string(port));
  }
  EXPECT_TRUE(has(server({.host = "no.such.host.invalid"}).listen().outcome.text,
                  "'no.such.host.invalid' names no address"));
}

}  // namespace
}  // namespace chinwag
