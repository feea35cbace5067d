#pragma once

#include <cstdint>

namespace chinwag::load {

// Whether a connection is read whole where one in `every` is. One of each `every` neighbours, at a
// mixed place: a room's members stand in a row, a server serves them in that order, and the panel
// must see early and late ones alike.
inline bool in_panel(std::uint32_t connection, std::uint32_t every) {
  const std::uint32_t block = connection / every;
  const std::uint32_t mixed = (block + 1) * 0x9e3779b1U;  // the golden ratio: neighbours differ
  return connection % every == (mixed >> 16) % every;
}

}  // namespace chinwag::load
