#include "wire.hpp"

#include <algorithm>

namespace simulation {

namespace {

unsigned char at(std::string_view text, std::size_t place) {
  return static_cast<unsigned char>(text[place]);
}

struct sequence {
  std::size_t size = 0;  // 0: no sequence begins with this byte
  unsigned char low = 0x80;
  unsigned char high = 0xBF;  // of the second byte
};

// Table 3-7 of the Unicode standard.
sequence sequence_of(unsigned char first) {
  if (first < 0x80) return {1};
  if (first >= 0xC2 && first <= 0xDF) return {2};
  if (first == 0xE0) return {3, 0xA0, 0xBF};
  if (first == 0xED) return {3, 0x80, 0x9F};
  if (first >= 0xE1 && first <= 0xEF) return {3};
  if (first == 0xF0) return {4, 0x90, 0xBF};
  if (first >= 0xF1 && first <= 0xF3) return {4};
  if (first == 0xF4) return {4, 0x80, 0x8F};
  return {};
}

}  // namespace

utf8_state check_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    if (at(text, i) < 0x80) {
      ++i;
      continue;
    }
    const sequence expected = sequence_of(at(text, i));
    if (expected.size == 0) return utf8_state::broken;
    for (std::size_t k = 1; k < expected.size; ++k) {
      if (i + k >= text.size()) return utf8_state::unfinished;
      const unsigned char byte = at(text, i + k);
      const unsigned char low = k == 1 ? expected.low : 0x80;
      const unsigned char high = k == 1 ? expected.high : 0xBF;
      if (byte < low || byte > high) return utf8_state::broken;
    }
    i += expected.size;
  }
  return utf8_state::whole;
}

bool valid_utf8(std::string_view text) {
  return check_utf8(text) == utf8_state::whole;
}

bool valid_name(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (at(text, i) < 0x20 || at(text, i) == 0x7F) return false;
    if (at(text, i) == 0xC2 && i + 1 < text.size() && at(text, i + 1) < 0xA0) return false;
  }
  return true;
}

std::string escape_json(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      escaped += '\\';
      escaped += c;
    } else if (byte < 0x20) {
      escaped += "\\u00";
      escaped += digits[byte >> 4];
      escaped += digits[byte & 15];
    } else {
      escaped += c;
    }
  }
  return escaped;
}

void apply_mask(std::string& payload, const std::array<unsigned char, 4>& key) {
  if (key == std::array<unsigned char, 4>{}) return;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    payload[i] = static_cast<char>(static_cast<unsigned char>(payload[i]) ^ key[i % 4]);
  }
}

std::string client_frame(std::uint8_t first, std::string_view payload,
                         std::array<unsigned char, 4> key) {
  std::string frame(1, static_cast<char>(first));
  const std::size_t size = payload.size();
  unsigned bytes = 0;
  if (size < 126) {
    frame += static_cast<char>(0x80 | size);
  } else {
    bytes = size <= 0xFFFF ? 2 : 8;
    frame += static_cast<char>(0x80 | (bytes == 2 ? 126 : 127));
  }
  for (unsigned i = bytes; i > 0; --i) frame += static_cast<char>(size >> (8 * (i - 1)));
  for (const unsigned char byte : key) frame += static_cast<char>(byte);
  std::string masked(payload);
  apply_mask(masked, key);
  return frame + masked;
}

code_kind kind_of_close(std::uint16_t code) {
  if (code < 1000 || code > 4999) return code_kind::invalid;
  if (code >= 3000) return code_kind::valid;
  if (code <= 1003 || (code >= 1007 && code <= 1011)) return code_kind::valid;
  if (code >= 1004 && code <= 1006) return code_kind::invalid;
  return code == 1015 ? code_kind::invalid : code_kind::unsure;
}

bool is_uuid4(std::string_view name) {
  if (name.size() != 36) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (dash ? c != '-' : !hex) return false;
  }
  return name[14] == '4' && std::string_view("89ab").find(name[19]) != std::string_view::npos;
}

}  // namespace simulation
