#include "connection/timer_wheel.hpp"

#include <algorithm>

namespace chinwag {

namespace {
constexpr std::uint16_t unarmed = UINT16_MAX;
}

timer_wheel::timer_wheel(paged<connection_links>& links) : links_(links) {
  heads_.fill(no_id);
}

void timer_wheel::arm(connection_id id, tick_ms now, std::uint32_t delay_ms) {
  disarm(id);
  const std::uint32_t farthest = expired_ + slots - 1;
  const std::uint64_t wanted = (std::uint64_t{now} + delay_ms + slot_ms - 1) / slot_ms;
  const std::uint32_t number = static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(wanted, std::uint64_t{expired_} + 1, farthest));
  const std::uint32_t slot = number % slots;
  connection_links& links = links_[id];
  links.timer_slot = static_cast<std::uint16_t>(slot);
  links.timer_next = heads_[slot];
  links.timer_previous = no_id;
  if (heads_[slot] != no_id) links_[heads_[slot]].timer_previous = id;
  heads_[slot] = id;
  ++armed_;
}

void timer_wheel::disarm(connection_id id) {
  connection_links& links = links_[id];
  if (links.timer_slot == unarmed) return;
  (links.timer_previous == no_id ? heads_[links.timer_slot]
                                 : links_[links.timer_previous].timer_next) = links.timer_next;
  if (links.timer_next != no_id) links_[links.timer_next].timer_previous = links.timer_previous;
  links.timer_slot = unarmed;
  --armed_;
}

void timer_wheel::expire(tick_ms now, const std::function<void(connection_id)>& due) {
  const std::uint32_t current = now / slot_ms;
  // After a long sleep each slot is looked at once.
  if (current - expired_ > slots) expired_ = current - slots;
  while (expired_ != current) {
    ++expired_;
    expire_slot(expired_ % slots, due);
  }
}

void timer_wheel::expire_slot(std::uint32_t slot, const std::function<void(connection_id)>& due) {
  // Who arms again lands in a later slot, so this one empties.
  while (heads_[slot] != no_id) {
    const connection_id id = heads_[slot];
    disarm(id);
    due(id);
  }
}

std::optional<std::uint32_t> timer_wheel::wait_ms(tick_ms now) const {
  if (armed_ == 0) return std::nullopt;
  std::uint32_t number = expired_ + 1;
  while (heads_[number % slots] == no_id) ++number;
  const std::uint64_t at = std::uint64_t{number} * slot_ms;
  return at > now ? static_cast<std::uint32_t>(at - now) : 0;
}

}  // namespace chinwag
