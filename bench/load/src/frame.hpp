#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace chinwag::load {

// RFC 6455, section 5.2.
enum class opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xa,
};

inline constexpr std::uint8_t fin_bit = 0x80;
inline constexpr std::uint8_t mask_bit = 0x80;
inline constexpr std::uint8_t length_16_bits = 126;
inline constexpr std::uint8_t length_64_bits = 127;

// A server's own JSON may be longer than the 64 KiB that it accepts; beyond this it is a fault.
inline constexpr std::size_t payload_bytes_max = 192 * 1024;

struct frame {
  opcode op;
  bool fin;
  std::string_view payload;  // points into the bytes that were parsed
  std::size_t wire_bytes;
};

}  // namespace chinwag::load
