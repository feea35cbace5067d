#include "frame_writer.hpp"

#include <cstddef>
#include <cstring>

namespace chinwag::load {
namespace {

void append_length(std::string& out, std::uint64_t length) {
  int bytes = 0;
  if (length < length_16_bits) {
    out.push_back(static_cast<char>(mask_bit | length));
  } else if (length <= UINT16_MAX) {
    out.push_back(static_cast<char>(mask_bit | length_16_bits));
    bytes = 2;
  } else {
    out.push_back(static_cast<char>(mask_bit | length_64_bits));
    bytes = 8;
  }
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(length >> shift & 0xff));
  }
}

// Eight bytes a step: `memcpy` is how C++ spells an unaligned load, it costs nothing.
void apply_mask(char* bytes, std::size_t length, std::uint32_t key) {
  const std::uint64_t wide = static_cast<std::uint64_t>(key) << 32 | key;
  std::size_t at = 0;
  for (; at + sizeof(wide) <= length; at += sizeof(wide)) {
    std::uint64_t block = 0;
    std::memcpy(&block, bytes + at, sizeof(block));
    block ^= wide;
    std::memcpy(bytes + at, &block, sizeof(block));
  }
  char key_bytes[sizeof(key)];
  std::memcpy(key_bytes, &key, sizeof(key));
  for (; at < length; ++at) {
    bytes[at] = static_cast<char>(bytes[at] ^ key_bytes[at % sizeof(key)]);
  }
}

}  // namespace

// splitmix64: the key needs to vary, not to be secret, between two programs on one host.
std::uint32_t frame_writer::next_key() {
  state_ += 0x9e3779b97f4a7c15;
  std::uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return static_cast<std::uint32_t>(mixed >> 32);
}

void frame_writer::append(std::string& out, opcode op,
                          std::initializer_list<std::string_view> parts) {
  std::size_t length = 0;
  for (const std::string_view part : parts) {
    length += part.size();
  }
  out.push_back(static_cast<char>(fin_bit | static_cast<std::uint8_t>(op)));
  append_length(out, length);
  const std::uint32_t key = next_key();
  char key_bytes[sizeof(key)];
  std::memcpy(key_bytes, &key, sizeof(key));
  out.append(key_bytes, sizeof(key));
  const std::size_t payload_at = out.size();
  for (const std::string_view part : parts) {
    out.append(part);
  }
  apply_mask(out.data() + payload_at, length, key);
}

}  // namespace chinwag::load
