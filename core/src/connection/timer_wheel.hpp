#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

#include "state/context.hpp"

namespace chinwag {

// One timer for each connection, in slots of 32 ms. Arming is a relink; a turn touches only what is
// due. A time beyond the wheel's 16 s fires early, and its owner arms it again.
class timer_wheel {
 public:
  explicit timer_wheel(paged<connection_links>& links);

  // Sets the connection's timer, whatever it was before. It never fires before its time unless
  // that lies beyond the wheel.
  void arm(connection_id id, tick_ms now, std::uint32_t delay_ms);
  void disarm(connection_id id);

  // Disarms and hands over those who are due, until `enough` says that the rest has to wait for the
  // next call.
  void expire(tick_ms now, const std::function<void(connection_id)>& due,
              const std::function<bool()>& enough);

  // Time until someone may be due; nothing if no timer is set.
  std::optional<std::uint32_t> wait_ms(tick_ms now) const;

 private:
  static constexpr std::uint32_t slot_ms = 32;
  static constexpr std::uint32_t slots = 512;  // divides the number of slots until tick_ms wraps

  std::uint32_t slots_behind(tick_ms now) const;

  bool expire_slot(std::uint32_t slot, const std::function<void(connection_id)>& due,
                   const std::function<bool()>& enough);

  paged<connection_links>& links_;
  std::array<connection_id, slots> heads_{};
  std::uint32_t armed_ = 0;
  std::uint32_t expired_ = 0;  // the number of the last slot handled, modulo 2^32
};

}  // namespace chinwag
