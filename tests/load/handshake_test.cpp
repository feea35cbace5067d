#include "handshake.hpp"

#include <gtest/gtest.h>

namespace chinwag::load {
namespace {

const std::string good_head =
    "HTTP/1.1 101 Switching Protocols\r\n"
    "upgrade: WebSocket\r\n"
    "Connection: keep-alive, Upgrade\r\n"
    "SEC-WebSocket-Accept:s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \r\n"
    "\r\n";

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  text.replace(text.find(what), what.size(), by);
  return text;
}

TEST(handshake, asks_for_the_target) {
  const std::string request = upgrade_request("127.0.0.1:4000", "/ws?user=ann-1");
  EXPECT_EQ(request.find("GET /ws?user=ann-1 HTTP/1.1\r\nHost: 127.0.0.1:4000\r\n"), 0u);
  EXPECT_NE(request.find("\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), std::string::npos);
  EXPECT_EQ(request.substr(request.size() - 4), "\r\n\r\n");
}

TEST(handshake, names_the_user_in_a_cookie_if_it_is_to) {
  const std::string request = upgrade_request("127.0.0.1:4000", "/ws", "Cookie: user=ann-1");
  EXPECT_NE(request.find("\r\nCookie: user=ann-1\r\n"), std::string::npos);
  EXPECT_EQ(upgrade_request("127.0.0.1:4000", "/ws").find("Cookie"), std::string::npos);
}

TEST(handshake, tells_where_frames_begin) {
  const upgrade_answer answer = read_upgrade_answer(good_head + "\x81\x01x");
  EXPECT_EQ(answer.status, upgrade_status::accepted);
  EXPECT_EQ(answer.head_bytes, good_head.size());
}

TEST(handshake, waits_for_the_whole_head) {
  for (std::size_t length = 0; length < good_head.size(); ++length) {
    EXPECT_EQ(read_upgrade_answer(good_head.substr(0, length)).status, upgrade_status::incomplete);
  }
  EXPECT_EQ(read_upgrade_answer(std::string(9'000, 'x')).status, upgrade_status::refused);
}

TEST(handshake, says_what_is_wrong) {
  const auto reason = [](const std::string& what, const std::string& by) {
    return read_upgrade_answer(replaced(good_head, what, by)).reason;
  };
  EXPECT_NE(reason("101 Switching", "503 Switching").find("503"), std::string::npos);
  EXPECT_NE(reason("xOo=", "xoo=").find("Accept is wrong"), std::string::npos);
  EXPECT_NE(reason("WebSocket\r", "h2c\r").find("lacks"), std::string::npos);
  EXPECT_NE(reason(", Upgrade", "").find("lacks"), std::string::npos);
  EXPECT_NE(reason("Connection", "Sec-WebSocket-Extensions: x\r\nConnection").find("extension"),
            std::string::npos);
}

}  // namespace
}  // namespace chinwag::load
