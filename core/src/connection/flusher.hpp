#pragma once

#include <cstdint>
#include <functional>

#include "connection/sender.hpp"
#include "state/context.hpp"
#include "state/rooms.hpp"

namespace chinwag {

// The end of a turn: gives everyone what waits for them, within the turn's budget. Rooms take
// turns, so that a large one delays the others by one slice of its members at most.
class flusher {
 public:
  using after_delivery = std::function<void(connection_id id, delivery outcome)>;

  flusher(context& shared, outboxes& outboxes, sender& sender, rooms& rooms, after_delivery after)
      : shared_(shared),
        outboxes_(outboxes),
        sender_(sender),
        rooms_(rooms),
        after_(std::move(after)) {}

  // Until when, in microseconds of the turn, this flush may go on.
  void begin(std::uint64_t until_us) { until_us_ = until_us; }

  // Connections with something of their own, those first.
  void flush_outboxes();

  // Connections that were blocked and can be sent to again.
  void flush_writable();

  // Members of dirty rooms. False when the budget ended before the work did.
  bool flush_rooms();

 private:
  work_budget half_of_what_is_left() const;
  void flush_outbox(connection_id id, work_budget& budget);
  void give(connection_id id);
  void put_back(room_id id);
  bool pass(room_id id, work_budget& budget);
  void visit(member_id id);
  void finish_pass(room_id id);

  context& shared_;
  outboxes& outboxes_;
  sender& sender_;
  rooms& rooms_;
  after_delivery after_;
  std::uint64_t until_us_ = UINT64_MAX;
  // The room whose members were visited last, and how many of them in its slice.
  room_id visited_ = no_id;
  std::uint32_t visits_ = 0;
};

}  // namespace chinwag
