#pragma once

#include <cstdint>

namespace chinwag {

// Things are named by their place in a table, never by an address: a successor process that maps
// the same tables elsewhere can follow every one of these without a rewrite.
using connection_id = std::uint32_t;
using member_id = std::uint32_t;
using room_id = std::uint32_t;
using chunk_id = std::uint32_t;
using buffers_id = std::uint32_t;

inline constexpr std::uint32_t no_id = UINT32_MAX;

// Milliseconds since the shard began. Wraps after 49 days: compare by difference (elapsed_ms).
using tick_ms = std::uint32_t;

inline std::uint32_t elapsed_ms(tick_ms since, tick_ms now) {
  const std::uint32_t difference = now - since;
  return difference < (1U << 31) ? difference : 0;
}

}  // namespace chinwag
