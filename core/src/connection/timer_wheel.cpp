#include "connection/timer_wheel.hpp"

#include <algorithm>

namespace chinwag {

namespace {

constexpr std::uint16_t unarmed = UINT16_MAX;

}  // namespace

timer_wheel::timer_wheel(paged<connection_links>& links) : links_(links) {
  heads_.fill(no_id);
}

void timer_wheel::arm(connection_id id, tick_ms now, std::uint32_t delay_ms) {
  disarm(id);
  const std::uint64_t wanted = (std::uint64_t{now % slot_ms} + delay_ms + slot_ms - 1) / slot_ms;
  const auto ahead = std::clamp<std::uint64_t>(slots_behind(now) + wanted, 1, slots - 1);
  const std::uint32_t slot = (expired_ + static_cast<std::uint32_t>(ahead)) % slots;
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

void timer_wheel::expire(tick_ms now, const std::function<void(connection_id)>& due,
                         const std::function<bool()>& enough) {
  // What an earlier call had no time for.
  if (!expire_slot(expired_ % slots, due, enough)) return;
  // After a long sleep each slot is looked at once.
  std::uint32_t behind = std::min(slots_behind(now), slots);
  expired_ = now / slot_ms - behind;
  for (; behind > 0; --behind) {
    ++expired_;
    if (!expire_slot(expired_ % slots, due, enough)) return;
  }
}

// Slots that have passed since the last one that was handled; the count of slots wraps with `now`.
std::uint32_t timer_wheel::slots_behind(tick_ms now) const {
  return (now / slot_ms - expired_) % (UINT32_MAX / slot_ms + 1);
}

// True once the slot is empty. One that is armed again meanwhile lands in a later slot.
bool timer_wheel::expire_slot(std::uint32_t slot, const std::function<void(connection_id)>& due,
                              const std::function<bool()>& enough) {
  while (heads_[slot] != no_id) {
    if (enough()) return false;
    const connection_id id = heads_[slot];
    disarm(id);
    due(id);
  }
  return true;
}

std::optional<std::uint32_t> timer_wheel::wait_ms(tick_ms now) const {
  if (armed_ == 0) return std::nullopt;
  if (heads_[expired_ % slots] != no_id) return 0;
  std::uint32_t ahead = 1;
  while (heads_[(expired_ + ahead) % slots] == no_id) ++ahead;
  const std::uint32_t passed_ms = slots_behind(now) * slot_ms + now % slot_ms;
  return ahead * slot_ms > passed_ms ? ahead * slot_ms - passed_ms : 0;
}

}  // namespace chinwag
