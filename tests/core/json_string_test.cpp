#include <gtest/gtest.h>

#include <string>

#include "wire/json.hpp"

namespace chinwag {
namespace {

std::string plain(std::string_view raw) {
  std::string text(256, '\0');
  text.resize(unescape_json(raw, text.data(), text.size()));
  return text;
}

TEST(json_string, ends_at_its_closing_quote) {
  const json_string_end end = scan_json_string(R"(abc","x")");
  EXPECT_TRUE(end.good);
  EXPECT_FALSE(end.escaped);
  EXPECT_EQ(end.size, 3U);
}

TEST(json_string, an_escaped_quote_does_not_end_it) {
  const json_string_end end = scan_json_string(R"(a\"b\\")");
  EXPECT_TRUE(end.good);
  EXPECT_TRUE(end.escaped);
  EXPECT_EQ(end.size, 6U);
}

TEST(json_string, refuses_bad_escapes_and_bare_control_characters) {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {R"(\x")"sv, R"(\u12")"sv, R"(\u12G4")"sv, R"(\ud800")"sv, R"(\ud800\u0041")"sv,
        R"(\udc00")"sv, "\n\""sv, "\0\""sv, "\x1F\""sv, "no end"sv, "\\"sv, "\\\0\""sv}) {
    EXPECT_FALSE(scan_json_string(text).good) << text;
  }
}

TEST(json_string, a_special_byte_is_found_wherever_it_stands_in_a_block) {
  for (const char special : {'"', '\n', '\\'}) {
    for (std::size_t at = 0; at < 64; ++at) {
      std::string text(64, 'a');
      text[at] = special;
      const json_string_end end = scan_json_string(text);
      EXPECT_EQ(end.size, at);
      EXPECT_EQ(end.good, special == '"');
    }
  }
}

TEST(json_string, undoes_every_escape) {
  EXPECT_EQ(plain(R"(\"\\\/\b\f\n\r\t)"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(plain(R"(\u0041\u00e9\u20AC\ud83d\ude00)"), "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(plain(R"(a\u0000b)"), std::string("a\0b", 3));
}

TEST(json_string, tells_the_full_size_of_what_does_not_fit) {
  char small[4];
  EXPECT_EQ(unescape_json("abcdef", small, sizeof small), 6U);
  EXPECT_EQ(unescape_json(R"(\u20AC\u20AC)", small, sizeof small), 6U);
}

}  // namespace
}  // namespace chinwag
