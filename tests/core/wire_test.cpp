// The tests' own eyes: what they take for a frame of a server, and what not.

#include "wire.hpp"

#include <gtest/gtest.h>

namespace chinwag {
namespace {

using namespace std::string_view_literals;
using test::server_frame_fault;

TEST(wire, takes_frames_of_a_server_and_leaves_what_is_not_all_there) {
  std::string bytes("\x81\x02hi\x89\x00\x81\x05hel"sv);
  EXPECT_EQ(test::take_server_frames(bytes),
            (std::vector<test::wire_frame>{{opcode::text, "hi"}, {opcode::ping, ""}}));
  EXPECT_EQ(bytes, "\x81\x05hel"sv);
  bytes = "\x82\x7e\x00\x7e"sv;
  bytes += std::string(126, 'x');
  EXPECT_EQ(test::take_server_frames(bytes),
            (std::vector<test::wire_frame>{{opcode::binary, std::string(126, 'x')}}));
}

TEST(wire, sees_what_a_server_must_not_send) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"\x01\x00"sv, "FIN is 0"},
      {"\xC1\x00"sv, "a reserved bit is set"},
      {"\xA1\x00"sv, "a reserved bit is set"},
      {"\x91\x00"sv, "a reserved bit is set"},
      {"\x80\x00"sv, "the opcode is 0"},
      {"\x83\x00"sv, "the opcode is 3"},
      {"\x8B\x00"sv, "the opcode is 11"},
      {"\x81\x80"sv, "it is masked"},
      {"\x81\x7e\x00\x7d"sv, "a length of 125 takes 3 bytes"},
      {"\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff"sv, "a length of 65535 takes 9 bytes"},
      {"\x89\x7e\x00\x7e"sv, "a control frame is longer than 125 bytes"},
  };
  for (const auto& [bytes, fault] : cases) EXPECT_EQ(server_frame_fault(bytes), fault);
}

TEST(wire, finds_nothing_wrong_with_the_standard_s_own_frames) {
  // RFC 6455 section 5.7: unmasked text and ping, and binary of 256 bytes and of 64 KiB.
  for (const std::string_view bytes :
       {"\x81\x05\x48\x65\x6c\x6c\x6f"sv, "\x89\x05\x48\x65\x6c\x6c\x6f"sv, "\x82\x7e\x01\x00"sv,
        "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"sv}) {
    EXPECT_EQ(server_frame_fault(bytes), "");
  }
}

TEST(wire, masks_as_in_the_standard_s_example) {
  EXPECT_EQ(test::client_frame(opcode::text, "Hello", true, 0x3d21fa37),
            "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"sv);
}

}  // namespace
}  // namespace chinwag
