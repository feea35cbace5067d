#include "stamp.hpp"

#include <gtest/gtest.h>

#include <string>

namespace chinwag::load {
namespace {

constexpr stamp example{message_kind::direct, 0x00ab, 20'000, 0xffffffff,
                        123'456'789'012'345,  19,     0x1c3};

std::string written(const stamp& stamp) {
  std::string text(stamp_bytes, ' ');
  write_stamp(stamp, text.data());
  return text;
}

TEST(stamp, has_its_fields_at_fixed_places) {
  EXPECT_EQ(written(example), "CW1d00ab00004e20ffffffff00007048860ddf79130001c3");
}

TEST(stamp, comes_back_as_written) {
  EXPECT_EQ(read_stamp(written(example).data()), example);
  const stamp other{message_kind::room, 65'535, 0, 0, 1};
  EXPECT_EQ(read_stamp(written(other).data()), other);
}

TEST(stamp, has_no_room_for_a_lag_of_more_than_16_s) {
  stamp late = example;
  late.lag_us = lag_us_max + 7;
  EXPECT_EQ(read_stamp(written(late).data())->lag_us, lag_us_max);
  EXPECT_EQ(read_stamp(written(late).data())->slot, late.slot);
}

TEST(stamp, is_refused_when_any_character_is_no_part_of_one) {
  for (std::size_t at = 0; at < stamp_bytes; ++at) {
    std::string text = written(example);
    text[at] = 'z';
    EXPECT_FALSE(read_stamp(text.data())) << text;
  }
}

TEST(stamp, takes_lower_case_hexadecimal_digits_and_nothing_else) {
  for (std::size_t at = stamp_magic.size() + 1; at < stamp_bytes; ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = written(example);
      text[at] = static_cast<char>(byte);
      const bool is_digit = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
      ASSERT_EQ(read_stamp(text.data()).has_value(), is_digit) << at << ' ' << byte;
    }
  }
}

TEST(padding, depends_on_the_stamp_and_needs_no_escape) {
  stamp next = example;
  ++next.sender;
  const std::string padding(padding_of(example, content_bytes_max - stamp_bytes));
  EXPECT_EQ(padding.size(), content_bytes_max - stamp_bytes);
  EXPECT_EQ(padding, padding_of(example, padding.size()));
  EXPECT_NE(padding, padding_of(next, padding.size()));
  EXPECT_EQ(padding.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789-_"),
            std::string::npos);
}

}  // namespace
}  // namespace chinwag::load
