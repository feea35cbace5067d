#include "wire/frame.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace chinwag {

namespace {

constexpr unsigned final_bit = 0x80;
constexpr unsigned reserved_bits = 0x70;
constexpr unsigned opcode_bits = 0x0F;
constexpr unsigned mask_bit = 0x80;
constexpr unsigned length_bits = 0x7F;
constexpr std::uint8_t length_in_2_bytes = 126;
constexpr std::uint8_t length_in_8_bytes = 127;

unsigned byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

std::uint64_t big_endian(const char* bytes, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

void write_big_endian(char* to, std::uint64_t value, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    to[i] = static_cast<char>(value >> (8 * (count - 1 - i)));
  }
}

bool is_known_opcode(unsigned code) {
  return code <= 0x2 || (code >= 0x8 && code <= 0xA);
}

std::size_t extended_length_size(unsigned short_length) {
  if (short_length == length_in_2_bytes) return 2;
  return short_length == length_in_8_bytes ? 8 : 0;
}

bool is_shortest_form(unsigned short_length, std::uint64_t length) {
  if (short_length == length_in_2_bytes) return length >= 126;
  if (short_length == length_in_8_bytes) return length > 0xFFFF && length >> 63 == 0;
  return true;
}

bool first_bytes_fault(unsigned first, unsigned second) {
  if ((first & reserved_bits) != 0 || (second & mask_bit) == 0) return true;
  if (!is_known_opcode(first & opcode_bits)) return true;
  const bool control = is_control(static_cast<opcode>(first & opcode_bits));
  return control && ((first & final_bit) == 0 || (second & length_bits) > control_payload_max);
}

}  // namespace

bool is_sendable_close_code(std::uint16_t code) {
  if (code >= 3000 && code <= 4999) return true;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

std::string_view close_reason(std::uint16_t code) {
  switch (code) {
    case close_code::going_away:
      return "Heartbeat timeout";
    case close_code::protocol_error:
      return "Protocol error";
    case close_code::unsupported:
      return "Malformed message";
    case close_code::bad_text:
      return "Text is not UTF-8";
    case close_code::too_big:
      return "Message too big";
    case close_code::restart:
      return "Server restart";
    case close_code::try_later:
      return "Slow consumer";
    default:
      return "";
  }
}

header_status parse_client_header(std::string_view bytes, frame_header& header) {
  if (bytes.size() < 2) return header_status::incomplete;
  const unsigned first = byte_at(bytes, 0);
  const unsigned second = byte_at(bytes, 1);
  if (first_bytes_fault(first, second)) return header_status::fault;
  const unsigned short_length = second & length_bits;
  const std::size_t extended = extended_length_size(short_length);
  header.size = static_cast<std::uint8_t>(2 + extended + header.key.size());
  if (bytes.size() < header.size) return header_status::incomplete;
  header.length = extended == 0 ? short_length : big_endian(bytes.data() + 2, extended);
  if (!is_shortest_form(short_length, header.length)) return header_status::fault;
  header.code = static_cast<opcode>(first & opcode_bits);
  header.final = (first & final_bit) != 0;
  std::copy_n(bytes.data() + 2 + extended, header.key.size(), header.key.begin());
  return header_status::complete;
}

std::size_t write_server_header(char* to, opcode code, std::size_t length) {
  to[0] = static_cast<char>(final_bit | static_cast<unsigned>(code));
  const std::size_t size = server_header_size(length);
  if (size == 2) {
    to[1] = static_cast<char>(length);
  } else {
    to[1] = static_cast<char>(size == 4 ? length_in_2_bytes : length_in_8_bytes);
    write_big_endian(to + 2, length, size - 2);
  }
  return size;
}

std::size_t server_frame_size(const char* bytes) {
  const unsigned short_length = static_cast<unsigned char>(bytes[1]) & length_bits;
  const std::size_t extended = extended_length_size(short_length);
  return 2 + extended + (extended == 0 ? short_length : big_endian(bytes + 2, extended));
}

std::size_t whole_frame_size(std::string_view bytes) {
  if (bytes.size() < 2) return 0;
  const unsigned short_length = static_cast<unsigned char>(bytes[1]) & length_bits;
  if (bytes.size() < 2 + extended_length_size(short_length)) return 0;
  const std::size_t size = server_frame_size(bytes.data());
  return size <= bytes.size() ? size : 0;
}

namespace {

// The key turned so that its first byte meets the first byte of this piece, twice in a word.
std::uint64_t repeated_key(const mask_key& key, std::size_t phase) {
  std::array<unsigned char, 8> turned{};
  for (std::size_t i = 0; i < turned.size(); ++i) turned[i] = key[(phase + i) % key.size()];
  std::uint64_t word = 0;
  std::memcpy(&word, turned.data(), sizeof word);
  return word;
}

}  // namespace

void unmask(std::span<char> payload, const mask_key& key, std::size_t phase) {
  const std::uint64_t word_key = repeated_key(key, phase);
  char* bytes = payload.data();
  const std::size_t words = payload.size() / sizeof word_key;
  // One word a step without a branch: compilers turn this into vector instructions.
  for (std::size_t i = 0; i < words; ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + i * sizeof word, sizeof word);
    word ^= word_key;
    std::memcpy(bytes + i * sizeof word, &word, sizeof word);
  }
  for (std::size_t i = words * sizeof word_key; i < payload.size(); ++i) {
    bytes[i] =
        static_cast<char>(static_cast<unsigned char>(bytes[i]) ^ key[(phase + i) % key.size()]);
  }
}

}  // namespace chinwag
