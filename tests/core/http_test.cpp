#include "wire/http.hpp"

#include <gtest/gtest.h>

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
       {"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"}) {
    http_request request;
    ASSERT_EQ(parse(text, request), http_parse::complete);
    EXPECT_FALSE(request.keep_alive);
  }
}

TEST(http, sees_a_body_coming) {
  for (const char* header : {"Content-Length: 5", "Transfer-Encoding: chunked"}) {
    http_request request;
    ASSERT_EQ(parse(std::string("POST / HTTP/1.1\r\n") + header + "\r\n\r\n", request),
              http_parse::complete);
    EXPECT_TRUE(request.body) << header;
  }
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
}

}  // namespace
}  // namespace chinwag
