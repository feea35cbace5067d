#include "wire/frame.hpp"

#include <gtest/gtest.h>

#include "wire.hpp"

namespace chinwag {
namespace {

header_status parse(std::string_view bytes) {
  frame_header header;
  return parse_client_header(bytes, header);
}

TEST(frame, reads_the_example_of_the_standard) {
  // RFC 6455 section 5.7: a single-frame masked text message, "Hello".
  frame_header header;
  const std::string_view bytes("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
  ASSERT_EQ(parse_client_header(bytes, header), header_status::complete);
  EXPECT_EQ(header.code, opcode::text);
  EXPECT_TRUE(header.final);
  EXPECT_EQ(header.length, 5U);
  EXPECT_EQ(header.size, 6U);
}

TEST(frame, every_prefix_of_a_header_is_incomplete) {
  for (const std::size_t length : {0U, 125U, 126U, 65'535U, 65'536U}) {
    const std::string bytes = test::client_frame(opcode::binary, std::string(length, 'x'));
    frame_header header;
    ASSERT_EQ(parse_client_header(bytes, header), header_status::complete);
    EXPECT_EQ(header.length, length);
    for (std::size_t i = 0; i < header.size; ++i) {
      EXPECT_EQ(parse(std::string_view(bytes).substr(0, i)), header_status::incomplete) << i;
    }
  }
}

TEST(frame, refuses_what_the_standard_forbids) {
  using namespace std::string_view_literals;
  const std::pair<const char*, std::string_view> cases[] = {
      {"no mask", "\x81\x05Hello"sv},
      {"reserved bit 1", "\xC1\x80\0\0\0\0"sv},
      {"reserved bit 2", "\xA1\x80\0\0\0\0"sv},
      {"reserved bit 3", "\x91\x80\0\0\0\0"sv},
      {"reserved data opcode", "\x83\x80\0\0\0\0"sv},
      {"reserved control opcode", "\x8B\x80\0\0\0\0"sv},
      {"fragmented ping", "\x09\x80\0\0\0\0"sv},
      {"long ping", "\x89\xFE\0\x7E\0\0\0\0"sv},
      {"2-byte length of 125", "\x81\xFE\0\x7D\0\0\0\0"sv},
      {"8-byte length of 65535", "\x81\xFF\0\0\0\0\0\0\xFF\xFF\0\0\0\0"sv},
      {"length with the top bit", "\x82\xFF\x80\0\0\0\0\x01\0\0\0\0\0\0"sv},
  };
  for (const auto& [what, bytes] : cases) EXPECT_EQ(parse(bytes), header_status::fault) << what;
}

TEST(frame, a_fault_in_the_first_two_bytes_is_seen_at_once) {
  EXPECT_EQ(parse(std::string_view("\x81\x7E", 2)), header_status::fault);
}

TEST(frame, server_headers_have_the_shortest_form_and_tell_their_size) {
  using namespace std::string_view_literals;
  const std::pair<std::size_t, std::string_view> cases[] = {
      {0, "\x81\x00"sv},
      {125, "\x81\x7d"sv},
      {126, "\x81\x7e\x00\x7e"sv},
      {65'535, "\x81\x7e\xff\xff"sv},
      {65'536, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"sv},
  };
  for (const auto& [length, header] : cases) {
    char bytes[server_header_max] = {};
    const std::size_t size = write_server_header(bytes, opcode::text, length);
    EXPECT_EQ(std::string_view(bytes, size), header) << length;
    EXPECT_EQ(server_header_size(length), header.size());
    EXPECT_EQ(server_frame_size(header.data()), header.size() + length);
  }
}

TEST(frame, server_headers_carry_their_opcode) {
  const std::pair<opcode, unsigned char> cases[] = {{opcode::text, 0x81},
                                                    {opcode::binary, 0x82},
                                                    {opcode::close, 0x88},
                                                    {opcode::ping, 0x89},
                                                    {opcode::pong, 0x8A}};
  for (const auto& [code, first] : cases) {
    char bytes[server_header_max] = {};
    EXPECT_EQ(write_server_header(bytes, code, 3), 2U);
    EXPECT_EQ(static_cast<unsigned char>(bytes[0]), first);
  }
}

TEST(frame, knows_which_close_codes_may_be_sent) {
  for (const int code : {1000, 1003, 1007, 1011, 1012, 1014, 3000, 4999}) {
    EXPECT_TRUE(is_sendable_close_code(static_cast<std::uint16_t>(code))) << code;
  }
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65'535}) {
    EXPECT_FALSE(is_sendable_close_code(static_cast<std::uint16_t>(code))) << code;
  }
}

}  // namespace
}  // namespace chinwag
