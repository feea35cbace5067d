#pragma once

#include <cstdint>

// Faults that the simulation has to find (tests/simulation/README.md). They exist only in builds
// with CHINWAG_PLANT_FAULTS, where one of them is chosen at run time; elsewhere planted() is a
// constant false and costs nothing.
namespace chinwag {

// clang-format off
#define CHINWAG_FAULTS(plant) \
  plant(chunk_recycled_under_leaver) \
  plant(chunk_recycled_early) \
  plant(lent_chunk_reused) \
  plant(loan_ends_in_frame) \
  plant(closed_before_the_loan) \
  plant(never_behind) \
  plant(asks_behind_a_leave) \
  plant(open_frame_cut) \
  plant(close_in_open_frame) \
  plant(skip_in_open_frame) \
  plant(cursor_too_early) \
  plant(lost_wakeup) \
  plant(lost_drain) \
  plant(pass_never_resumes) \
  plant(accepting_never_resumes) \
  plant(removed_twice) \
  plant(timers_first) \
  plant(input_before_reset_lost) \
  plant(end_drops_pending) \
  plant(direct_to_one) \
  plant(welcome_missing) \
  plant(left_missing) \
  plant(closed_twice) \
  plant(members_leak) \
  plant(buffers_leak) \
  plant(pong_missing) \
  plant(joined_again_for_all) \
  plant(one_room_too_many) \
  plant(silent_stay) \
  plant(pings_missing) \
  plant(resumed_late) \
  plant(decided_again) \
  plant(long_frame_cut) \
  plant(leave_drops_pending) \
  plant(drain_announces) \
  plant(welcome_overtaken) \
  plant(pause_is_silence) \
  plant(reading_unbounded) \
  plant(memory_unbounded) \
  plant(kept_logs_uncounted) \
  plant(open_frame_left_behind) \
  plant(log_left_behind) \
  plant(unread_left_behind) \
  plant(listener_left_behind) \
  plant(presented_by_place) \
  plant(gone_kept)
// clang-format on

#define CHINWAG_NAME(name) name,
enum class fault : std::uint8_t { CHINWAG_FAULTS(CHINWAG_NAME) none };
#undef CHINWAG_NAME

#ifdef CHINWAG_PLANT_FAULTS
inline fault planted_fault = fault::none;
inline bool planted(fault one) {
  return planted_fault == one;
}
#else
constexpr bool planted(fault) {
  return false;
}
#endif

}  // namespace chinwag
