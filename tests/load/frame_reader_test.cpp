#include "frame_reader.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace chinwag::load {
namespace {

using status = message_assembler::status;

std::string frame_of(std::uint8_t first, const std::string& payload) {
  std::string out(1, static_cast<char>(first));
  if (payload.size() < 126) {
    out.push_back(static_cast<char>(payload.size()));
  } else {
    out.push_back(126);
    out.push_back(static_cast<char>(payload.size() >> 8));
    out.push_back(static_cast<char>(payload.size() & 0xff));
  }
  return out + payload;
}

parse_status parse(std::string_view bytes) {
  frame ignored{};
  return take_frame(bytes, ignored);
}

TEST(take_frame, takes_frames_one_by_one) {
  const std::string bytes = frame_of(0x81, "one") + frame_of(0x81, std::string(1'000, 'x'));
  std::string_view rest = bytes;
  frame taken{};
  ASSERT_EQ(take_frame(rest, taken), parse_status::whole);
  EXPECT_EQ(taken.payload, "one");
  EXPECT_EQ(taken.wire_bytes, 5u);
  ASSERT_EQ(take_frame(rest, taken), parse_status::whole);
  EXPECT_EQ(taken.payload, std::string(1'000, 'x'));
  EXPECT_EQ(taken.wire_bytes, 1'004u);
  EXPECT_TRUE(rest.empty());
}

TEST(take_frame, waits_for_every_missing_byte) {
  const std::string whole = frame_of(0x81, std::string(300, 'x'));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    std::string_view rest = std::string_view(whole).substr(0, length);
    frame taken{};
    ASSERT_EQ(take_frame(rest, taken), parse_status::incomplete) << length;
    ASSERT_EQ(rest.size(), length);
  }
}

TEST(take_frame, reads_a_length_of_eight_bytes) {
  const std::string bytes =
      std::string("\x81\x7f\0\0\0\0\0\x01\0\0", 10) + std::string(65'536, 'x');
  std::string_view rest = bytes;
  frame taken{};
  ASSERT_EQ(take_frame(rest, taken), parse_status::whole);
  EXPECT_EQ(taken.payload.size(), 65'536u);
}

TEST(take_frame, finds_what_a_server_may_not_send) {
  using namespace std::string_view_literals;
  for (const auto bad : {"\x81\x80"sv, "\xc1\x01"sv, "\x83\x01"sv, "\x8b\x00"sv, "\x09\x00"sv,
                         "\x89\x7e\x00\x80"sv, "\x81\x7f\x80\0\0\0\0\0\0\0"sv}) {
    EXPECT_EQ(parse(bad), parse_status::fault) << testing::PrintToString(bad);
  }
}

status take(message_assembler& assembler, frame& out, opcode op, bool fin, std::string_view text) {
  out = {op, fin, text, text.size() + 2};
  return assembler.take(out);
}

TEST(message_assembler, gathers_fragments_around_control_frames) {
  message_assembler assembler;
  frame frame{};
  EXPECT_EQ(take(assembler, frame, opcode::text, false, "ab"), status::unfinished);
  EXPECT_EQ(take(assembler, frame, opcode::ping, true, "now"), status::control);
  EXPECT_EQ(take(assembler, frame, opcode::continuation, false, "cd"), status::unfinished);
  EXPECT_EQ(take(assembler, frame, opcode::continuation, true, "e"), status::message);
  EXPECT_EQ(frame.payload, "abcde");
  EXPECT_EQ(frame.wire_bytes, 5u + 6);
  EXPECT_EQ(frame.op, opcode::text);
  EXPECT_EQ(take(assembler, frame, opcode::text, true, "next"), status::message);
  EXPECT_EQ(frame.payload, "next");
}

TEST(message_assembler, finds_fragments_out_of_place) {
  frame frame{};
  message_assembler nothing_open;
  EXPECT_EQ(take(nothing_open, frame, opcode::continuation, true, "x"), status::fault);
  message_assembler one_open;
  EXPECT_EQ(take(one_open, frame, opcode::text, false, "x"), status::unfinished);
  EXPECT_EQ(take(one_open, frame, opcode::text, true, "x"), status::fault);
}

TEST(message_assembler, bounds_what_it_gathers) {
  message_assembler assembler;
  frame frame{};
  const std::string part(payload_bytes_max, 'x');
  EXPECT_EQ(take(assembler, frame, opcode::text, false, part), status::unfinished);
  EXPECT_EQ(take(assembler, frame, opcode::continuation, true, "x"), status::fault);
}

std::string text_frame(const std::string& payload, int length_bytes) {
  std::string head(1, '\x81');
  const std::size_t size = payload.size();
  if (length_bytes == 0) {
    head.push_back(static_cast<char>(size));
  } else {
    head.push_back(static_cast<char>(length_bytes == 2 ? 126 : 127));
    for (int shift = (length_bytes - 1) * 8; shift >= 0; shift -= 8) {
      head.push_back(static_cast<char>(static_cast<std::uint64_t>(size) >> shift & 0xff));
    }
  }
  return head + payload;
}

TEST(find_frame, finds_the_next_text_after_the_rest_of_another) {
  const std::string rest = R"(xxxxx","timestamp":17})";
  const std::string text = R"({"type":"message"})";
  for (const int length_bytes : {0, 2, 8}) {
    EXPECT_EQ(find_frame(rest + text_frame(text, length_bytes), R"({"type":)"), rest.size());
    EXPECT_EQ(find_frame(text_frame(text, length_bytes), R"({"type":)"), 0u);
  }
  EXPECT_EQ(find_frame(rest, R"({"type":)"), std::string_view::npos);
  EXPECT_EQ(find_frame(text, R"({"type":)"), std::string_view::npos) << "without a header";
}

}  // namespace
}  // namespace chinwag::load
