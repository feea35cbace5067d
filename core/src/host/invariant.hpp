#pragma once

#include <cstdlib>

namespace chinwag {

// States what must be true at this place, in release builds too. A shard whose state contradicts
// itself would go on to send one client's bytes to another: it ends the process instead. What
// guards memory against input is never left to this: that is a check with an answer.
inline void invariant(bool holds) {
  if (!holds) [[unlikely]] {
    std::abort();
  }
}

}  // namespace chinwag
