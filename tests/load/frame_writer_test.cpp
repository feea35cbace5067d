#include "frame_writer.hpp"

#include <gtest/gtest.h>

#include <string>

namespace chinwag::load {
namespace {

std::string unmasked(const std::string& frame, std::size_t key_at) {
  std::string payload = frame.substr(key_at + 4);
  for (std::size_t i = 0; i < payload.size(); ++i) {
    payload[i] = static_cast<char>(payload[i] ^ frame[key_at + i % 4]);
  }
  return payload;
}

std::string text_frame(frame_writer& writer, const std::string& payload) {
  std::string out;
  writer.append(out, opcode::text, {payload});
  return out;
}

TEST(frame_writer, joins_parts_into_one_masked_frame) {
  frame_writer writer(1);
  std::string out = "before";
  writer.append(out, opcode::text, {"ab", "", "cde"});
  const std::string frame = out.substr(6);
  ASSERT_EQ(frame.size(), 2u + 4 + 5);
  EXPECT_EQ(frame.substr(0, 2), "\x81\x85");
  EXPECT_EQ(unmasked(frame, 2), "abcde");
}

TEST(frame_writer, writes_lengths_of_two_and_eight_bytes) {
  frame_writer writer(1);
  for (const std::size_t length : {126u, 1'000u, 65'535u}) {
    const std::string frame = text_frame(writer, std::string(length, 'x'));
    EXPECT_EQ(static_cast<unsigned char>(frame[1]), 0x80 | 126);
    EXPECT_EQ(static_cast<unsigned char>(frame[2]) * 256u + static_cast<unsigned char>(frame[3]),
              length);
    EXPECT_EQ(unmasked(frame, 4), std::string(length, 'x'));
  }
  const std::string frame = text_frame(writer, std::string(65'536, 'y'));
  EXPECT_EQ(frame.substr(1, 9), std::string("\xff\0\0\0\0\0\x01\0\0", 9));
  EXPECT_EQ(unmasked(frame, 10), std::string(65'536, 'y'));
}

TEST(frame_writer, takes_a_new_key_for_each_frame) {
  frame_writer writer(1);
  EXPECT_NE(text_frame(writer, "same"), text_frame(writer, "same"));
}

}  // namespace
}  // namespace chinwag::load
