#include "frames.hpp"

#include <cstring>

namespace chinwag::floor {
namespace {

constexpr std::size_t key_bytes = 4;
constexpr std::uint8_t fin_bit = 0x80;
constexpr std::uint8_t length_bits = 0x7f;
constexpr std::uint8_t length_16_bits = 126;
constexpr std::uint8_t length_64_bits = 127;

std::uint64_t big_endian(const char* in, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    value = value << 8 | static_cast<std::uint8_t>(in[i]);
  }
  return value;
}

void unmask(char* bytes, std::size_t length, const char* key) {
  std::uint64_t wide = 0;
  std::memcpy(&wide, key, key_bytes);
  std::memcpy(reinterpret_cast<char*>(&wide) + key_bytes, key, key_bytes);
  std::size_t at = 0;
  for (; at + sizeof wide <= length; at += sizeof wide) {
    std::uint64_t block = 0;
    std::memcpy(&block, bytes + at, sizeof block);
    block ^= wide;
    std::memcpy(bytes + at, &block, sizeof block);
  }
  for (; at < length; ++at) {
    bytes[at] = static_cast<char>(bytes[at] ^ key[at % key_bytes]);
  }
}

}  // namespace

bool take_frame(std::string& bytes, std::size_t& at, client_frame& out) {
  const std::size_t left = bytes.size() - at;
  char* const begin = bytes.data() + at;
  if (left < 2) {
    return false;
  }
  const std::uint8_t second = static_cast<std::uint8_t>(begin[1]) & length_bits;
  const std::size_t field = second == length_64_bits ? 8 : second == length_16_bits ? 2 : 0;
  const std::size_t head = 2 + field + key_bytes;
  if (left < head) {
    return false;
  }
  const std::uint64_t length = field == 0 ? second : big_endian(begin + 2, field);
  if (left - head < length) {
    return false;
  }
  unmask(begin + head, length, begin + head - key_bytes);
  out.op = static_cast<opcode>(static_cast<std::uint8_t>(begin[0]) & 0x0f);
  out.payload = std::string_view(begin + head, length);
  at += head + length;
  return true;
}

void append_frame(std::string& out, opcode op, std::string_view payload) {
  out.push_back(static_cast<char>(fin_bit | static_cast<std::uint8_t>(op)));
  const std::size_t length = payload.size();
  int shift = -8;
  if (length < length_16_bits) {
    out.push_back(static_cast<char>(length));
  } else if (length <= UINT16_MAX) {
    out.push_back(static_cast<char>(length_16_bits));
    shift = 8;
  } else {
    out.push_back(static_cast<char>(length_64_bits));
    shift = 56;
  }
  for (; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(length >> shift & 0xff));
  }
  out.append(payload);
}

}  // namespace chinwag::floor
