#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "wire/json.hpp"
#include "wire/utf8.hpp"

namespace chinwag {
namespace {

json_verdict verdict_of(std::string_view text) {
  json_request request;
  return scan_json(text, request);
}

TEST(json_scan, finds_the_fields_of_a_request) {
  json_request request;
  ASSERT_EQ(scan_json(R"( {"type" : "message", "room":"r\u0031","content":"a\"b", "id":[1,{}]} )",
                      request),
            json_verdict::object);
  EXPECT_EQ(request.type.raw, "message");
  EXPECT_EQ(request.room.raw, R"(r\u0031)");
  EXPECT_EQ(request.content.raw, R"(a\"b)");
  EXPECT_EQ(request.to.what, json_field::kind::missing);
}

TEST(json_scan, only_the_outermost_object_has_fields) {
  json_request request;
  ASSERT_EQ(scan_json(R"({"x":{"type":"join","room":"a"},"y":[{"to":"b"}]})", request),
            json_verdict::object);
  EXPECT_EQ(request.type.what, json_field::kind::missing);
  EXPECT_EQ(request.room.what, json_field::kind::missing);
  EXPECT_EQ(request.to.what, json_field::kind::missing);
}

TEST(json_scan, an_escaped_key_is_the_same_key) {
  json_request request;
  ASSERT_EQ(scan_json(R"({"t\u0079pe":"join"})", request), json_verdict::object);
  EXPECT_EQ(request.type.raw, "join");
}

TEST(json_scan, tells_a_field_of_another_type) {
  for (const char* value : {"1", "null", "true", "[]", "{}", "[\"join\"]"}) {
    json_request request;
    const std::string text = std::string(R"({"type":)") + value + "}";
    ASSERT_EQ(scan_json(text, request), json_verdict::object) << text;
    EXPECT_EQ(request.type.what, json_field::kind::other) << text;
  }
}

TEST(json_scan, of_equal_keys_the_last_one_counts) {
  json_request request;
  scan_json(R"({"type":"a","type":1})", request);
  EXPECT_EQ(request.type.what, json_field::kind::other);
}

TEST(json_scan, other_values_are_not_objects) {
  for (const char* text : {"1", "-0.5e+3", "\"x\"", "[]", "null", "true", " [ 1 , 2 ] "}) {
    EXPECT_EQ(verdict_of(text), json_verdict::not_object) << text;
  }
}

TEST(json_scan, refuses_what_is_not_json) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "}",
                           "[",
                           "{}}",
                           "{},",
                           "\xEF\xBB\xBF{}",
                           "{a:1}",
                           "{'a':1}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "{\"a\":1 \"b\":2}",
                           "NaN",
                           "Infinity",
                           "01",
                           "1.",
                           ".5",
                           "1e",
                           "+1",
                           "--1",
                           "-",
                           "tru",
                           "nul",
                           "// x\n1",
                           "[1]//",
                           "\"a",
                           "{}x"}) {
    EXPECT_EQ(verdict_of(text), json_verdict::malformed) << text;
  }
}

TEST(json_scan, a_zero_byte_does_not_end_the_text) {
  for (std::string text : {"{}", "1 ", "\"a", "[1,"}) {
    text.push_back('\0');
    EXPECT_EQ(verdict_of(text), json_verdict::malformed) << text;
  }
}

TEST(json_scan, serves_64_levels_and_refuses_one_more) {
  const auto nested = [](unsigned depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_EQ(verdict_of(nested(json_depth_max)), json_verdict::not_object);
  EXPECT_EQ(verdict_of(nested(json_depth_max + 1)), json_verdict::malformed);
}

// ---- against nlohmann/json ----

// Where the two differ on purpose: nlohmann skips a byte order mark and takes a zero byte for the
// end of the text (chat/1 C1 refuses both), knows no limit of depth (C10), and refuses numbers that
// no double can hold (C12 allows either).
bool nlohmann_accepts(const std::string& text, bool& number_too_large) {
  try {
    const auto parsed = nlohmann::json::parse(text);
    return !parsed.is_discarded();
  } catch (const nlohmann::json::out_of_range&) {
    number_too_large = true;
    return false;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

void expect_agreement(const std::string& text) {
  if (!is_utf8(text) || text.starts_with("\xEF\xBB\xBF") || text.find('\0') != text.npos) return;
  bool number_too_large = false;
  const bool accepted = nlohmann_accepts(text, number_too_large);
  if (number_too_large) return;
  ASSERT_EQ(verdict_of(text) != json_verdict::malformed, accepted) << text;
}

class json_maker {
 public:
  explicit json_maker(std::uint32_t seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return random_() % bound; }

  std::string value(int depth) {
    switch (below(depth > 0 ? 8 : 6)) {
      case 0:
        return number();
      case 1:
        return "true";
      case 2:
        return "null";
      case 6:
        return array(depth - 1);
      case 7:
        return object(depth - 1);
      default:
        return text();
    }
  }

  std::string object(int depth) {
    std::string out = "{";
    for (std::size_t i = below(4); i > 0; --i) {
      out += space() + key() + space() + ":" + space() + value(depth) + (i > 1 ? "," : "");
    }
    return out + space() + "}";
  }

  // A small change that often makes bad JSON, and sometimes other good JSON.
  void mutate(std::string& json) {
    static constexpr std::string_view alphabet = "{}[]\",:\\u0123456789eE+-.tfn \n\x01\x7F";
    if (json.empty()) return;
    const std::size_t at = below(json.size());
    switch (below(4)) {
      case 0:
        json.erase(at, 1 + below(3));
        break;
      case 1:
        json.insert(at, 1, alphabet[below(alphabet.size())]);
        break;
      case 2:
        json[at] = alphabet[below(alphabet.size())];
        break;
      default:
        json.resize(at);
        break;
    }
  }

 private:
  std::string space() { return std::string(below(2), " \t\n\r"[below(4)]); }
  std::string key() {
    static const char* const keys[] = {"\"type\"", "\"room\"", "\"to\"", "\"content\"", "\"x\""};
    return keys[below(5)];
  }
  std::string number() {
    static const char* const numbers[] = {"0", "-1", "12.5", "1e9", "3E-2", "-0.0e+1", "1e400"};
    return numbers[below(7)];
  }
  std::string text() {
    static const char* const pieces[] = {
        "a",        "\\n",     "\\\"", "\\u00e9", "\\ud83d\\ude00",
        "\xC3\xA9", "\\ud800", "\\/",  "b c",     "\xF0\x9F\x98\x80"};
    std::string out = "\"";
    for (std::size_t i = below(5); i > 0; --i) out += pieces[below(10)];
    return out + "\"";
  }
  std::string array(int depth) {
    std::string out = "[";
    for (std::size_t i = below(4); i > 0; --i) out += value(depth) + (i > 1 ? "," : "");
    return out + "]";
  }

  std::mt19937 random_;
};

TEST(json_scan, accepts_what_nlohmann_accepts) {
  json_maker maker(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string json = maker.object(4);
    expect_agreement(json);
    for (std::size_t change = maker.below(3) + 1; change > 0; --change) {
      maker.mutate(json);
      expect_agreement(json);
    }
    if (testing::Test::HasFatalFailure()) return;
  }
}

std::string unescaped(std::string_view raw) {
  std::string text(raw.size(), '\0');
  text.resize(unescape_json(raw, text.data(), text.size()));
  return text;
}

void expect_field(const nlohmann::json& object, const char* key, const json_field& field) {
  if (!object.contains(key)) {
    ASSERT_EQ(field.what, json_field::kind::missing) << key << " of " << object;
  } else if (object[key].is_string()) {
    ASSERT_EQ(unescaped(field.raw), object[key].get<std::string>()) << key << " of " << object;
  } else {
    ASSERT_EQ(field.what, json_field::kind::other) << key << " of " << object;
  }
}

TEST(json_scan, finds_the_fields_that_nlohmann_finds) {
  json_maker maker(2);
  for (int i = 0; i < 20'000 && !testing::Test::HasFatalFailure(); ++i) {
    const std::string json = maker.object(3);
    json_request request;
    if (scan_json(json, request) != json_verdict::object) continue;
    const auto parsed = nlohmann::json::parse(json, nullptr, false);
    if (parsed.is_discarded()) continue;
    expect_field(parsed, "type", request.type);
    expect_field(parsed, "room", request.room);
    expect_field(parsed, "to", request.to);
    expect_field(parsed, "content", request.content);
  }
}

}  // namespace
}  // namespace chinwag
