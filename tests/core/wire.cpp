#include "wire.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <optional>

namespace chinwag::test {

namespace {

constexpr std::uint8_t final_bit = 0x80;
constexpr std::uint8_t mask_bit = 0x80;
constexpr std::uint8_t two_byte_length = 126;
constexpr std::uint8_t eight_byte_length = 127;

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

void append_big_endian(std::string& to, std::uint64_t number, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    to.push_back(static_cast<char>(number >> shift & 0xFF));
  }
}

struct server_header {
  std::size_t size = 0;
  std::uint64_t length = 0;
};

// Nothing if it is not all there.
std::optional<server_header> read_header(std::string_view bytes) {
  if (bytes.size() < 2) return std::nullopt;
  const std::uint8_t short_length = byte_at(bytes, 1) & 0x7F;
  if (short_length < two_byte_length) return server_header{2, short_length};
  const std::size_t extra = short_length == two_byte_length ? 2 : 8;
  if (bytes.size() < 2 + extra) return std::nullopt;
  server_header header{2 + extra, 0};
  for (std::size_t i = 0; i < extra; ++i)
    header.length = header.length << 8 | byte_at(bytes, 2 + i);
  return header;
}

}  // namespace

std::string client_frame(opcode code, std::string_view payload, bool final, std::uint32_t key) {
  std::string bytes(1, static_cast<char>((final ? final_bit : 0) | static_cast<unsigned>(code)));
  if (payload.size() < two_byte_length) {
    append_big_endian(bytes, mask_bit | payload.size(), 1);
  } else if (payload.size() <= 0xFFFF) {
    append_big_endian(bytes, mask_bit | two_byte_length, 1);
    append_big_endian(bytes, payload.size(), 2);
  } else {
    append_big_endian(bytes, mask_bit | eight_byte_length, 1);
    append_big_endian(bytes, payload.size(), 8);
  }
  std::array<char, 4> mask{};
  std::memcpy(mask.data(), &key, sizeof key);
  bytes.append(mask.data(), mask.size());
  for (std::size_t i = 0; i < payload.size(); ++i) {
    bytes.push_back(static_cast<char>(payload[i] ^ mask.at(i % mask.size())));
  }
  return bytes;
}

std::string server_frame_fault(std::string_view bytes) {
  if (bytes.size() < 2) return {};
  const std::uint8_t first = byte_at(bytes, 0);
  if ((first & final_bit) == 0) return "FIN is 0";
  if ((first & 0x70) != 0) return "a reserved bit is set";
  const int code = first & 0x0F;
  if (code != 0x1 && code != 0x2 && (code < 0x8 || code > 0xA)) {
    return "the opcode is " + std::to_string(code);
  }
  if ((byte_at(bytes, 1) & mask_bit) != 0) return "it is masked";
  const std::optional<server_header> header = read_header(bytes);
  if (!header) return {};
  const std::size_t shortest = header->length < two_byte_length ? 2
                               : header->length <= 0xFFFF       ? 4
                                                                : 10;
  if (header->size != shortest) {
    return "a length of " + std::to_string(header->length) + " takes " +
           std::to_string(header->size - 1) + " bytes";
  }
  if (code >= 0x8 && header->length > 125) return "a control frame is longer than 125 bytes";
  return {};
}

std::vector<wire_frame> take_server_frames(std::string& bytes) {
  std::vector<wire_frame> frames;
  std::size_t at = 0;
  while (true) {
    const std::string_view rest = std::string_view(bytes).substr(at);
    if (const std::string fault = server_frame_fault(rest); !fault.empty()) {
      ADD_FAILURE() << "a server frame is wrong: " << fault << "; frame " << frames.size();
      bytes.clear();
      return frames;
    }
    const std::optional<server_header> header = read_header(rest);
    if (!header || rest.size() - header->size < header->length) break;
    const auto size = static_cast<std::size_t>(header->length);
    frames.push_back({static_cast<opcode>(byte_at(rest, 0) & 0x0F),
                      std::string(rest.substr(header->size, size))});
    at += header->size + size;
  }
  bytes.erase(0, at);
  return frames;
}

}  // namespace chinwag::test
