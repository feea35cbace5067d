#include "wire/utf8.hpp"

#include <algorithm>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace chinwag {

namespace {

constexpr std::uint64_t high_bits = 0x8080808080808080ULL;

bool word_is_ascii(const char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return (word & high_bits) == 0;
}

}  // namespace

std::size_t ascii_prefix(std::string_view text) {
  std::size_t at = 0;
#ifdef __SSE2__
  for (; at + 16 <= text.size(); at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    if (_mm_movemask_epi8(block) != 0) break;
  }
#endif
  for (; at + 8 <= text.size() && word_is_ascii(text.data() + at); at += 8) {
  }
  return at;
}

void utf8_validator::write(image_writer& to) const {
  for (const std::uint8_t byte : {needed_, low_, high_}) to.number(byte);
}

void utf8_validator::read(image_reader& from) {
  for (std::uint8_t* byte : {&needed_, &low_, &high_}) *byte = from.number<std::uint8_t>();
}

bool utf8_validator::lead(unsigned char byte) {
  low_ = 0x80;
  high_ = 0xBF;
  if (byte < 0x80) return true;
  if (byte < 0xC2 || byte > 0xF4) return false;
  if (byte < 0xE0) {
    needed_ = 1;
  } else if (byte < 0xF0) {
    needed_ = 2;
    if (byte == 0xE0) low_ = 0xA0;
    if (byte == 0xED) high_ = 0x9F;
  } else {
    needed_ = 3;
    if (byte == 0xF0) low_ = 0x90;
    if (byte == 0xF4) high_ = 0x8F;
  }
  return true;
}

bool utf8_validator::continuation(unsigned char byte) {
  if (byte < low_ || byte > high_) return false;
  low_ = 0x80;
  high_ = 0xBF;
  --needed_;
  return true;
}

bool utf8_validator::feed(std::string_view piece) {
  // On a copy: the compiler can't keep members in registers beside reads of plain bytes.
  utf8_validator now = *this;
  std::size_t at = 0;
  while (at < piece.size()) {
    if (now.needed_ == 0 && static_cast<unsigned char>(piece[at]) < 0x80) {
      at += std::max<std::size_t>(ascii_prefix(piece.substr(at)), 1);
      continue;
    }
    const auto byte = static_cast<unsigned char>(piece[at++]);
    if (!(now.needed_ == 0 ? now.lead(byte) : now.continuation(byte))) return false;
  }
  *this = now;
  return true;
}

bool is_utf8(std::string_view text) {
  utf8_validator validator;
  return validator.feed(text) && validator.complete();
}

}  // namespace chinwag
