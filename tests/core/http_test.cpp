#include "wire/http.hpp"

#include <gtest/gtest.h>

#include <tuple>

namespace chinwag {
namespace {

constexpr std::string_view upgrade =
    "GET /ws?user=ann HTTP/1.1\r\nHost: x\r\nUpgrade: WebSocket\r\n"
    "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n";

http_parse parse(std::string_view text, http_request& request) {
  return parse_http(text, 8'192, request);
}

TEST(http, parses_an_upgrade_and_leaves_what_follows) {
  http_request request;
  ASSERT_EQ(parse(std::string(upgrade) + "frames", request), http_parse::complete);
  EXPECT_EQ(request.size, upgrade.size());
  EXPECT_EQ(request.path, "/ws");
  EXPECT_EQ(request.query, "user=ann");
  EXPECT_EQ(request.websocket_key, "k");
  EXPECT_TRUE(request.upgrade);
}

TEST(http, every_prefix_is_incomplete) {
  for (std::size_t size = 0; size < upgrade.size(); ++size) {
    http_request request;
    ASSERT_EQ(parse(upgrade.substr(0, size), request), http_parse::incomplete) << size;
  }
}

TEST(http, a_plain_request_asks_for_no_upgrade) {
  http_request request;
  ASSERT_EQ(parse("GET /health HTTP/1.1\r\nHost: x\r\n\r\n", request), http_parse::complete);
  EXPECT_FALSE(request.upgrade);
  EXPECT_TRUE(request.keep_alive);
  EXPECT_FALSE(request.body);
}

TEST(http, old_clients_and_close_end_the_connection) {
  for (const char* text :
       {"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: x\r\nConnection: y, Close\r\n\r\n"}) {
    http_request request;
    ASSERT_EQ(parse(text, request), http_parse::complete);
    EXPECT_FALSE(request.keep_alive);
  }
}

TEST(http, sees_a_body_coming) {
  for (const bool body : {false, true}) {
    http_request request;
    const std::string length = body ? "5" : "0";
    ASSERT_EQ(
        parse("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + "\r\n\r\n", request),
        http_parse::complete);
    EXPECT_EQ(request.body, body);
  }
}

// Whoever reads one as a body where another reads none can be made to serve a smuggled request.
TEST(http, refuses_every_transfer_encoding) {
  for (const char* coding : {"chunked", "gzip", "chunked, x", "xchunked", "identity", ""}) {
    http_request request;
    EXPECT_EQ(
        parse(std::string("GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: ") + coding + "\r\n\r\n",
              request),
        http_parse::bad)
        << coding;
  }
}

// RFC 9110, 5.3: the lines of a field that is a list are one list.
TEST(http, joins_the_lines_of_a_list) {
  http_request request;
  ASSERT_EQ(parse("GET /ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nUpgrade: foo\r\n"
                  "Connection: Upgrade\r\nUpgrade: h2c , websocket\r\n\r\n",
                  request),
            http_parse::complete);
  EXPECT_TRUE(request.upgrade);
  EXPECT_TRUE(request.keep_alive);
}

TEST(http, refuses_a_field_that_may_come_once_and_comes_again) {
  for (const char* line : {"Host: x", "Sec-WebSocket-Key: k", "Sec-WebSocket-Version: 13",
                           "Origin: http://x", "Content-Length: 0"}) {
    const std::string host = std::string(line).starts_with("Host") ? "" : "Host: x\r\n";
    const std::string once = "GET / HTTP/1.1\r\n" + host + line + "\r\n";
    http_request request;
    EXPECT_EQ(parse(once + "\r\n", request), http_parse::complete) << line;
    EXPECT_EQ(parse(once + line + "\r\n\r\n", request), http_parse::bad) << line;
  }
}

TEST(http, refuses_a_host_that_is_none) {
  http_request request;
  for (const char* host : {"a b", "a/b", "a@b", "a?b", "a#b", "a\\b", "a\"b"}) {
    const std::string bytes = std::string("GET / HTTP/1.1\r\nHost: ") + host + "\r\n\r\n";
    EXPECT_EQ(parse_http(bytes, 8'192, request), http_parse::bad) << host;
  }
  for (const char* host : {"", "a", "a.example:80", "[::1]:4000", "127.0.0.1", "xn--a_b~%41"}) {
    const std::string bytes = std::string("GET / HTTP/1.1\r\nHost: ") + host + "\r\n\r\n";
    EXPECT_EQ(parse_http(bytes, 8'192, request), http_parse::complete) << host;
  }
}

TEST(http, ends_a_connection_whose_client_asks_for_both) {
  http_request request;
  const std::string bytes = "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n";
  ASSERT_EQ(parse_http(bytes, 8'192, request), http_parse::complete);
  EXPECT_FALSE(request.keep_alive);
}

TEST(http, wants_one_host_of_whoever_speaks_1_1) {
  http_request request;
  EXPECT_EQ(parse("GET / HTTP/1.1\r\n\r\n", request), http_parse::bad);
  EXPECT_EQ(parse("GET / HTTP/1.0\r\n\r\n", request), http_parse::complete);
}

// RFC 9112, 3.2.2.
TEST(http, takes_absolute_targets) {
  const std::tuple<const char*, const char*, const char*, const char*> cases[] = {
      {"http://h:1/ws?user=a", "/ws", "user=a", "h:1"},
      {"HTTPS://h/ws", "/ws", "", "h"},
      {"http://[::1]:1", "/", "", "[::1]:1"},
      {"http://h?user=a", "/", "user=a", "h"},
      {"/ws?next=http://h/x", "/ws", "next=http://h/x", "field"},
  };
  for (const auto& [target, path, query, host] : cases) {
    http_request request;
    ASSERT_EQ(parse(std::string("GET ") + target + " HTTP/1.1\r\nHost: field\r\n\r\n", request),
              http_parse::complete)
        << target;
    EXPECT_EQ(request.path, path) << target;
    EXPECT_EQ(request.query, query) << target;
    EXPECT_EQ(request.host, host) << target;
  }
}

// RFC 9112, 2.2.
TEST(http, skips_empty_lines_before_a_request) {
  for (const std::string before : {"\r\n", "\r\n\r\n", "\r\n\r\n\r\n"}) {
    const std::string bytes = before + std::string(upgrade);
    http_request request;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      ASSERT_EQ(parse(bytes.substr(0, size), request), http_parse::incomplete) << size;
    }
    ASSERT_EQ(parse(bytes + "frames", request), http_parse::complete);
    EXPECT_EQ(request.size, bytes.size());
    EXPECT_EQ(request.path, "/ws");
  }
  http_request request;
  std::string lines;
  while (lines.size() < 8'192) lines += "\r\n";
  EXPECT_EQ(parse(lines, request), http_parse::too_large);
}

TEST(http, knows_a_head_request_even_of_a_bad_one) {
  http_request request;
  ASSERT_EQ(parse("HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n", request), http_parse::complete);
  EXPECT_TRUE(request.head);
  EXPECT_FALSE(request.get);
  EXPECT_EQ(parse("HEAD /health HTTP/1.1\r\n\r\n", request), http_parse::bad);
  EXPECT_TRUE(request.head);
}

TEST(http, refuses_what_is_no_request) {
  for (const char* text :
       {"hello\r\n\r\n", "\x16\x03\x01\r\n\r\n", "GET  HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"}) {
    http_request request;
    EXPECT_EQ(parse(text, request), http_parse::bad) << text;
  }
}

TEST(http, a_header_has_a_limit) {
  http_request request;
  const std::string long_header = "GET / HTTP/1.1\r\nX: " + std::string(9'000, 'x');
  EXPECT_EQ(parse(long_header, request), http_parse::too_large);
  EXPECT_EQ(parse(long_header + "\r\n\r\n", request), http_parse::too_large);
}

TEST(http, writes_responses_with_what_their_code_needs) {
  const std::string response = write_http({426, "text/plain", "no\n", false});
  EXPECT_TRUE(response.starts_with("HTTP/1.1 426 ")) << response;
  EXPECT_NE(response.find("Sec-WebSocket-Version: 13\r\n"), std::string::npos);
  EXPECT_NE(response.find("Content-Length: 3\r\n"), std::string::npos);
  EXPECT_NE(response.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(response.ends_with("\r\n\r\nno\n"));
  EXPECT_EQ(write_http({405, "text/plain", "no\n", true}),
            "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain\r\n"
            "Content-Length: 3\r\nAllow: GET, HEAD\r\n\r\nno\n");
}

TEST(http, a_response_to_head_announces_the_body_and_leaves_it_out) {
  const std::string get = write_http({200, "text/plain", "12345", true, false});
  const std::string head = write_http({200, "text/plain", "12345", true, true});
  EXPECT_EQ(head + "12345", get);
}

}  // namespace
}  // namespace chinwag
