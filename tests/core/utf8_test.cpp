#include "wire/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

namespace chinwag {
namespace {

std::string encoded(std::uint32_t point) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) return {byte(0xC0 | point >> 6), byte(0x80 | (point & 0x3F))};
  if (point < 0x10000) {
    return {byte(0xE0 | point >> 12), byte(0x80 | (point >> 6 & 0x3F)),
            byte(0x80 | (point & 0x3F))};
  }
  return {byte(0xF0 | point >> 18), byte(0x80 | (point >> 12 & 0x3F)),
          byte(0x80 | (point >> 6 & 0x3F)), byte(0x80 | (point & 0x3F))};
}

TEST(utf8, takes_every_code_point_and_no_surrogate) {
  for (std::uint32_t point = 0; point <= 0x10FFFF; ++point) {
    const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
    ASSERT_EQ(is_utf8(encoded(point)), !surrogate) << std::hex << point;
  }
  EXPECT_FALSE(is_utf8("\xF4\x90\x80\x80")) << "above U+10FFFF";
}

// Every sequence of up to three bytes, against a decoder that follows the table of RFC 3629.
bool by_the_table(const std::string& text) {
  std::size_t i = 0;
  const auto at = [&](std::size_t k) -> int {
    return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : -1;
  };
  const auto within = [](int byte, int low, int high) { return byte >= low && byte <= high; };
  while (i < text.size()) {
    const int lead = at(0);
    if (lead < 0x80) {
      i += 1;
    } else if (within(lead, 0xC2, 0xDF) && within(at(1), 0x80, 0xBF)) {
      i += 2;
    } else if (within(lead, 0xE0, 0xEF) &&
               within(at(1), lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF) &&
               within(at(2), 0x80, 0xBF)) {
      i += 3;
    } else {
      return false;  // four bytes do not fit these sequences
    }
  }
  return true;
}

TEST(utf8, agrees_with_the_table_on_all_short_sequences) {
  for (int first = 0x7E; first <= 0xFF; ++first) {
    for (int second = 0x7E; second <= 0xFF; ++second) {
      for (const int third : {0x41, 0x7F, 0x80, 0x9F, 0xA0, 0xBF, 0xC0, 0xED, 0xFF}) {
        const std::string text{static_cast<char>(first), static_cast<char>(second),
                               static_cast<char>(third)};
        ASSERT_EQ(is_utf8(text), by_the_table(text)) << first << " " << second << " " << third;
      }
    }
  }
}

TEST(utf8, a_code_point_may_be_split_anywhere) {
  const std::string text =
      "plain ascii that fills a block, then \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80";
  for (std::size_t split = 0; split <= text.size(); ++split) {
    utf8_validator validator;
    EXPECT_TRUE(validator.feed(text.substr(0, split)));
    EXPECT_TRUE(validator.feed(text.substr(split)));
    EXPECT_TRUE(validator.complete());
  }
}

TEST(utf8, an_unfinished_code_point_is_not_complete) {
  for (const char* text : {"\xC3", "\xE2\x82", "\xF0\x9F\x98"}) {
    utf8_validator validator;
    EXPECT_TRUE(validator.feed(text));
    EXPECT_FALSE(validator.complete());
    EXPECT_FALSE(is_utf8(text));
  }
}

TEST(utf8, a_bad_byte_is_found_wherever_it_stands_in_a_block) {
  for (std::size_t at = 0; at < 64; ++at) {
    std::string text(64, 'a');
    text[at] = '\xFF';
    EXPECT_FALSE(is_utf8(text)) << at;
  }
}

}  // namespace
}  // namespace chinwag
