#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace chinwag {

using mask_key = std::array<unsigned char, 4>;

// Undoes the client's masking in place (RFC 6455 section 5.3). `phase` is how many bytes of the
// same frame were unmasked before, so that a payload may arrive in pieces.
void unmask(std::span<char> payload, const mask_key& key, std::size_t phase = 0);

// RFC 6455 section 5.2.
enum class opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xA,
};

inline bool is_control(opcode code) {
  return (static_cast<std::uint8_t>(code) & 0x8) != 0;
}

// RFC 6455 section 7.4.1 and the registry that grew from it: the ones that this server sends.
namespace close_code {
inline constexpr std::uint16_t normal = 1000;
inline constexpr std::uint16_t going_away = 1001;
inline constexpr std::uint16_t protocol_error = 1002;
inline constexpr std::uint16_t unsupported = 1003;
inline constexpr std::uint16_t no_status = 1005;   // never on the wire: a close without a code
inline constexpr std::uint16_t broken_off = 1006;  // never on the wire: there was no close frame
inline constexpr std::uint16_t bad_text = 1007;
inline constexpr std::uint16_t too_big = 1009;
inline constexpr std::uint16_t restart = 1012;
inline constexpr std::uint16_t try_later = 1013;
}  // namespace close_code

// True for codes that an endpoint may send.
bool is_sendable_close_code(std::uint16_t code);

// What the close frame says to people; empty for codes that this server has no words for.
std::string_view close_reason(std::uint16_t code);

inline constexpr std::size_t control_payload_max = 125;
inline constexpr std::size_t client_header_max = 14;
inline constexpr std::size_t server_header_max = 10;

struct frame_header {
  std::uint64_t length = 0;
  mask_key key{};
  opcode code = opcode::continuation;
  bool final = false;
  std::uint8_t size = 0;  // of the header itself
};

enum class header_status { complete, incomplete, fault };

// Reads a client's frame header. Everything that one header can do wrong is a fault: reserved bits
// and opcodes, no mask, a length not in its shortest form, a long or fragmented control frame.
header_status parse_client_header(std::string_view bytes, frame_header& header);

// The size of the server's frame that begins there; 0 if it is not all there.
std::size_t whole_frame_size(std::string_view bytes);

// Writes an unmasked, final frame header and returns its size.
std::size_t write_server_header(char* to, opcode code, std::size_t length);

// The size of the whole server frame (header and payload) that begins at `bytes`. The caller knows
// that a frame begins there and that its header is present.
std::size_t server_frame_size(const char* bytes);

// Size of the header that a server frame of this payload has.
inline std::size_t server_header_size(std::size_t length) {
  return length < 126 ? 2 : length <= 0xFFFF ? 4 : 10;
}

}  // namespace chinwag
