#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace chinwag::floor {

enum class opcode : std::uint8_t { text = 0x1, close = 0x8, ping = 0x9, pong = 0xa };

struct client_frame {
  opcode op;
  std::string_view payload;  // unmasked, within the bytes that were read
};

// Takes one masked frame off the front of `bytes`, unmasking it in place. Answers false while it is
// incomplete. Fragments are not read: chinwag-load sends none.
bool take_frame(std::string& bytes, std::size_t& at, client_frame& out);

// Appends an unmasked frame (RFC 6455, section 5.2).
void append_frame(std::string& out, opcode op, std::string_view payload);

}  // namespace chinwag::floor
