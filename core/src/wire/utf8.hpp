#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/image.hpp"

namespace chinwag {

// Validates UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF) as it
// arrives: a code point may be split between pieces.
class utf8_validator {
 public:
  // False once the bytes so far can't be the beginning of valid text.
  bool feed(std::string_view piece);

  // True when no code point is half finished.
  bool complete() const { return needed_ == 0; }

  void reset() { *this = {}; }

  void write(image_writer& to) const;
  void read(image_reader& from);

 private:
  bool lead(unsigned char byte);
  bool continuation(unsigned char byte);

  std::uint8_t needed_ = 0;  // continuation bytes still to come
  std::uint8_t low_ = 0x80;  // bounds of the next one: narrower after E0, ED, F0 and F4
  std::uint8_t high_ = 0xBF;
};

bool is_utf8(std::string_view text);

// How many bytes at the beginning of `text` are ASCII; may stop a few bytes short.
std::size_t ascii_prefix(std::string_view text);

}  // namespace chinwag
