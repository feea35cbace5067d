#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace chinwag::load {

enum class message_kind : std::uint8_t { room, direct };

// What every message says about itself, at the start of its content:
//
//   CW1 k hhhh ssssssss qqqqqqqq pppppppppppppppp tt llllll   (without the spaces; lower-case
//                                                             hexadecimal)
//
// k: 'r' to a room, 'd' direct; h: hold; s: sender; q: its sequence number of this kind and room;
// p: planned send time in ns of CLOCK_MONOTONIC; t: which of the sender's rooms; l: how much later
// than planned it was sent, in us. Only characters that no JSON writer escapes.
struct stamp {
  message_kind kind;
  std::uint16_t hold;
  std::uint32_t sender;
  std::uint32_t sequence;
  std::int64_t planned_ns;
  std::uint8_t slot = 0;
  std::uint32_t lag_us = 0;  // at most `lag_us_max`, which stands for more as well

  bool operator==(const stamp&) const = default;
};

inline constexpr std::string_view stamp_magic = "CW1";
inline constexpr std::size_t stamp_bytes = 48;
inline constexpr std::uint32_t lag_us_max = 0xffffff;
inline constexpr std::size_t content_bytes_max = 65'000;

void write_stamp(const stamp& stamp, char* out);

// Nothing when the `stamp_bytes` characters at `in` are no stamp.
std::optional<stamp> read_stamp(const char* in);

// The rest of the content: follows from the stamp, so that a receiver can check it without having
// the message. `bytes` is at most `content_bytes_max`.
std::string_view padding_of(const stamp& stamp, std::size_t bytes);

}  // namespace chinwag::load
