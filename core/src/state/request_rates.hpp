#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>

#include "chinwag/handlers.hpp"
#include "state/ids.hpp"

namespace chinwag {

// What each connection asks for in a second, which begins with its first request. Only those that
// ask for something have a place here, and only for about that long.
class request_rates {
 public:
  struct use {
    std::uint32_t texts = 0;
    std::uint64_t fanout_bytes = 0;
  };

  // In the second under way.
  use of(connection_handle who, tick_ms now) const;
  void add(connection_handle who, tick_ms now, const use& more);
  // Gives back a few places whose second is over. To be called again and again.
  void forget_old(tick_ms now);

  std::size_t places() const { return seconds_.size(); }

 private:
  struct second {
    tick_ms since = 0;
    use used{};
  };
  struct beginning {
    tick_ms since = 0;
    connection_handle who{};
  };

  std::unordered_map<connection_handle, second> seconds_;
  std::deque<beginning> beginnings_;  // of all seconds, the oldest first
};

}  // namespace chinwag
