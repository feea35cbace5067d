#include "json.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace {

constexpr std::size_t number_bytes_max = 20;  // 64 bits, with a sign

/// simdjson refuses integers beyond 64 bits, which are JSON. No number in a request decides
/// anything, so that it is the same request with null in their place. What nests deeper than the
/// protocol asks for becomes null, too: to encode it would recurse.
std::string without_numbers(std::string_view text) {
  using nlohmann::json;
  constexpr int depth_most = 16;
  auto const simplify = [](int depth, json::parse_event_t, json& value) {
    if (value.is_number() || (depth > depth_most && value.is_structured())) value = nullptr;
    return true;
  };
  // A zero byte would be the end to nlohmann.
  if (text.find('\0') != text.npos) return {};
  auto const rest = json::parse(text, simplify, /*allow_exceptions=*/false);
  return rest.is_discarded() ? std::string() : rest.dump();
}

bool is_escaped(unsigned char byte) {
  return byte < 0x20 || byte == '"' || byte == '\\';
}

/// In nearly no text. The loop has no branch and does not end at the first, so that it is compiled
/// to vector instructions: three minima of bytes take fewest of them.
bool any_is_escaped(std::string_view text) {
  unsigned char least = 0xFF, from_quote = 0xFF, from_backslash = 0xFF;
  for (unsigned char const byte : text) {
    least = std::min(least, byte);
    from_quote = std::min<unsigned char>(from_quote, byte ^ '"');
    from_backslash = std::min<unsigned char>(from_backslash, byte ^ '\\');
  }
  return least < 0x20 || from_quote == 0 || from_backslash == 0;
}

char* put(char* to, std::string_view text) {
  return std::copy(text.begin(), text.end(), to);
}

char* put_escaped(char* to, unsigned char byte) {
  constexpr char digits[] = "0123456789abcdef";
  if (byte < 0x20) {
    to = put(to, "\\u00");
    *to++ = digits[byte >> 4];
    *to++ = digits[byte & 0xF];
  } else {
    *to++ = '\\';
    *to++ = static_cast<char>(byte);
  }
  return to;
}

char* put_with_escapes(char* to, std::string_view text) {
  for (unsigned char const byte : text) {
    if (is_escaped(byte)) {
      to = put_escaped(to, byte);
    } else {
      *to++ = static_cast<char>(byte);
    }
  }
  return to;
}

char* put_value(char* to, field const& field, bool escapes) {
  if (auto const* const number = std::get_if<std::int64_t>(&field.value)) {
    return std::to_chars(to, to + number_bytes_max, *number).ptr;
  }
  auto const text = std::get<std::string_view>(field.value);
  *to++ = '"';
  to = escapes ? put_with_escapes(to, text) : put(to, text);
  *to++ = '"';
  return to;
}

/// A text nobody holds, with room for so many bytes: the last one, unless someone still has it.
std::shared_ptr<std::string> text_to_fill(std::size_t bytes) {
  constexpr std::size_t kept_bytes_max = 16'384;
  static std::shared_ptr<std::string> last;
  if (!last || last.use_count() > 1 || last->capacity() > kept_bytes_max) {
    last = std::make_shared<std::string>();
  }
  last->resize(bytes);
  return last;
}

}  // namespace

std::optional<request> parsed(std::string_view text) {
  static simdjson::dom::parser parser;  // keeps its memory; one thread
  // Newer releases than Debian's skip a byte order mark.
  if (text.starts_with("\xEF\xBB\xBF")) return {};
  request value;
  auto failed = parser.parse(text.data(), text.size()).get(value);
  if (failed == simdjson::NUMBER_ERROR) failed = parser.parse(without_numbers(text)).get(value);
  if (failed) return {};
  return value;
}

std::optional<std::string_view> string_in(request const& request, char const* field) {
  std::string_view text;
  if (request.at_key(field).get(text)) return {};
  return text;
}

std::shared_ptr<std::string const> encoded(std::initializer_list<field> fields) {
  constexpr std::size_t bytes_around = 8 + number_bytes_max;
  constexpr std::size_t escape_bytes = 6;
  std::size_t names = 1, texts = 0;
  bool escapes = false;
  for (auto const& [name, value] : fields) {
    names += name.size() + bytes_around;
    auto const* const text = std::get_if<std::string_view>(&value);
    if (text == nullptr) continue;
    texts += text->size();
    escapes = escapes || any_is_escaped(*text);
  }
  auto filled = text_to_fill(names + texts * (escapes ? escape_bytes : 1));
  auto* to = filled->data();
  for (auto const& each : fields) {
    to = put(to, to == filled->data() ? "{\"" : ",\"");
    to = put(put(to, each.name), "\":");
    to = put_value(to, each, escapes);
  }
  *to++ = '}';
  filled->resize(static_cast<std::size_t>(to - filled->data()));
  return filled;
}
