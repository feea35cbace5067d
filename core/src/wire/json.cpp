#include "wire/json.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace chinwag {

namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// A cursor over the text with the containers that are open around it. Containers nest at most 64
// deep, so one word remembers for each whether it is an object.
class scanner {
 public:
  scanner(std::string_view text, json_request& request) : text_(text), request_(request) {}

  json_verdict scan() {
    skip_space();
    const bool object = peek() == '{';
    if (!value()) return json_verdict::malformed;
    while (depth_ > 0) {
      if (!next_in_container()) return json_verdict::malformed;
    }
    skip_space();
    if (at_ != text_.size()) return json_verdict::malformed;
    return object ? json_verdict::object : json_verdict::not_object;
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  bool in_object() const { return (objects_ >> (depth_ - 1) & 1) != 0; }

  // Scans a value; a container is only opened: next_in_container goes through what is in it.
  bool value() {
    skip_space();
    switch (peek()) {
      case '{':
        return open(true);
      case '[':
        return open(false);
      case '"':
        return text(last_text_);
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

  bool open(bool object) {
    if (depth_ == json_depth_max) return false;
    ++at_;
    const std::uint64_t bit = std::uint64_t{1} << depth_++;
    objects_ = object ? objects_ | bit : objects_ & ~bit;
    first_ = true;
    return true;
  }

  // One step inside the innermost container: its end, or its next element.
  bool next_in_container() {
    skip_space();
    if (take(in_object() ? '}' : ']')) {
      --depth_;
      first_ = false;
      return true;
    }
    if (!first_ && !take(',')) return false;
    first_ = false;
    return in_object() ? member() : value();
  }

  bool member() {
    skip_space();
    std::string_view key;
    if (peek() != '"' || !text(key)) return false;
    json_field* field = depth_ == 1 ? known_field(key) : nullptr;
    skip_space();
    if (!take(':')) return false;
    skip_space();
    const bool is_text = peek() == '"';
    if (!value()) return false;
    if (field != nullptr) {
      field->what = is_text ? json_field::kind::text : json_field::kind::other;
      field->raw = is_text ? last_text_ : std::string_view{};
    }
    return true;
  }

  // Keys are compared by meaning: an escaped one is the same key.
  json_field* known_field(std::string_view key) {
    std::array<char, 8> plain{};
    if (key.find('\\') != key.npos) {
      const std::size_t size = unescape_json(key, plain.data(), plain.size());
      if (size > plain.size()) return nullptr;
      key = {plain.data(), size};
    }
    if (key == "type") return &request_.type;
    if (key == "room") return &request_.room;
    if (key == "to") return &request_.to;
    if (key == "content") return &request_.content;
    return nullptr;
  }

  bool text(std::string_view& raw) {
    ++at_;
    const json_string_end end = scan_json_string(text_.substr(at_));
    raw = text_.substr(at_, end.size);
    at_ += end.size + 1;
    return end.good;
  }

  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }

  bool digits() {
    if (!is_digit(peek())) return false;
    while (is_digit(peek())) ++at_;
    return true;
  }

  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (!take('e') && !take('E')) return true;
    if (!take('+')) take('-');
    return digits();
  }

  std::string_view text_;
  json_request& request_;
  std::string_view last_text_{};
  std::size_t at_ = 0;
  std::uint64_t objects_ = 0;
  unsigned depth_ = 0;
  bool first_ = false;  // nothing was read in the innermost container yet
};

}  // namespace

json_verdict scan_json(std::string_view text, json_request& request) {
  return scanner(text, request).scan();
}

namespace {

constexpr std::uint32_t bad_unit = UINT32_MAX;

bool is_plain(char c) {
  return c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20;
}

// Skips bytes that need no look: neither quote nor backslash nor control character.
std::size_t plain_prefix(std::string_view text) {
  std::size_t at = 0;
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i last_control = _mm_set1_epi8(0x1F);
  for (; at + 16 <= text.size(); at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, last_control), block);
    const __m128i special =
        _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash));
    const int found = _mm_movemask_epi8(_mm_or_si128(control, special));
    if (found != 0)
      return at + static_cast<std::size_t>(__builtin_ctz(static_cast<unsigned>(found)));
  }
#endif
  while (at < text.size() && is_plain(text[at])) ++at;
  return at;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The UTF-16 unit of "\uXXXX" at the front of `text`.
std::uint32_t escaped_unit(std::string_view text) {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return bad_unit;
  std::uint32_t unit = 0;
  for (std::size_t i = 2; i < 6; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return bad_unit;
    unit = unit << 4 | static_cast<std::uint32_t>(digit);
  }
  return unit;
}

bool is_high_surrogate(std::uint32_t unit) {
  return unit >= 0xD800 && unit <= 0xDBFF;
}
bool is_low_surrogate(std::uint32_t unit) {
  return unit >= 0xDC00 && unit <= 0xDFFF;
}

// The size of the escape at the front of `text`; 0 if it is not a good one.
std::size_t escape_size(std::string_view text) {
  if (text.size() < 2) return 0;
  if (text[1] != 'u') return std::strchr("\"\\/bfnrt", text[1]) != nullptr && text[1] != 0 ? 2 : 0;
  const std::uint32_t unit = escaped_unit(text);
  if (unit == bad_unit || is_low_surrogate(unit)) return 0;
  if (!is_high_surrogate(unit)) return 6;
  const std::uint32_t second = escaped_unit(text.substr(6));
  return second != bad_unit && is_low_surrogate(second) ? 12 : 0;
}

char short_escape(char letter) {
  switch (letter) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return letter;
  }
}

std::size_t encode_utf8(std::uint32_t point, std::array<char, 4>& out) {
  const auto tail = [&](unsigned shift) {
    return static_cast<char>(0x80 | (point >> shift & 0x3F));
  };
  if (point < 0x80) {
    out = {static_cast<char>(point)};
    return 1;
  }
  if (point < 0x800) {
    out = {static_cast<char>(0xC0 | point >> 6), tail(0)};
    return 2;
  }
  if (point < 0x10000) {
    out = {static_cast<char>(0xE0 | point >> 12), tail(6), tail(0)};
    return 3;
  }
  out = {static_cast<char>(0xF0 | point >> 18), tail(12), tail(6), tail(0)};
  return 4;
}

// Decodes one good escape at the front of `text` into `out`; returns bytes written.
std::size_t decode_escape(std::string_view text, std::size_t size, std::array<char, 4>& out) {
  if (size == 2) {
    out[0] = short_escape(text[1]);
    return 1;
  }
  std::uint32_t point = escaped_unit(text);
  if (size == 12) {
    point = 0x10000 + ((point - 0xD800) << 10) + (escaped_unit(text.substr(6)) - 0xDC00);
  }
  return encode_utf8(point, out);
}

}  // namespace

json_string_end scan_json_string(std::string_view text) {
  json_string_end end;
  while (true) {
    end.size += plain_prefix(text.substr(end.size));
    if (end.size == text.size()) return end;
    const char c = text[end.size];
    if (c == '"') {
      end.good = true;
      return end;
    }
    const std::size_t escape = c == '\\' ? escape_size(text.substr(end.size)) : 0;
    if (escape == 0) return end;
    end.escaped = true;
    end.size += escape;
  }
}

std::size_t unescape_json(std::string_view raw, char* to, std::size_t room) {
  std::size_t size = 0;
  const auto put = [&](const char* bytes, std::size_t count) {
    if (size + count <= room) std::memcpy(to + size, bytes, count);
    size += count;
  };
  while (!raw.empty()) {
    if (raw[0] != '\\') {
      const std::size_t count = std::min(raw.find('\\'), raw.size());
      put(raw.data(), count);
      raw.remove_prefix(count);
      continue;
    }
    std::array<char, 4> bytes{};
    const std::size_t escape = escape_size(raw);
    put(bytes.data(), decode_escape(raw, escape, bytes));
    raw.remove_prefix(escape);
  }
  return size;
}

std::string escape_json(std::string_view plain) {
  constexpr std::string_view digits = "0123456789abcdef";
  constexpr std::string_view controls = "\b\f\n\r\t";
  constexpr std::string_view letters = "bfnrt";
  std::string text;
  text.reserve(plain.size() + 16);
  for (const char letter : plain) {
    if (letter == '"' || letter == '\\') {
      text.append({'\\', letter});
    } else if (static_cast<unsigned char>(letter) >= 0x20) {
      text += letter;
    } else if (const std::size_t at = controls.find(letter); at != controls.npos) {
      text.append({'\\', letters[at]});
    } else {
      const auto code = static_cast<unsigned char>(letter);
      text.append("\\u00").append({digits[code >> 4], digits[code & 15U]});
    }
  }
  return text;
}

}  // namespace chinwag
