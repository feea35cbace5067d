#pragma once

#include <sys/types.h>

#include <functional>

#include "context.hpp"
#include "outboxes.hpp"
#include "rooms.hpp"
#include "send_plan.hpp"

namespace chinwag {

// Writes the pieces to a descriptor without waiting: bytes taken, or a negative errno.
using gather_send = std::function<ssize_t(int descriptor, std::span<const iovec> pieces)>;

// The system's send or sendmsg.
ssize_t system_send(int descriptor, std::span<const iovec> pieces);

enum class delivery {
  idle,      // nothing waits any more
  blocked,   // the kernel takes no more for now
  broken,    // the connection can't be written to
  finished,  // the close frame (or the last HTTP response) is out
};

// Brings what waits for a connection onto its wire, in the order of the design's rules 1 and 2:
// the frame that has begun, the outbox, then rooms in the order in which they became dirty.
class sender {
 public:
  sender(context& shared, outboxes& boxes, rooms& places, gather_send send)
      : shared_(shared), boxes_(boxes), places_(places), send_(std::move(send)) {}

  delivery deliver(connection_id id);

  // Before a pass over a room's members: what was counted for another room is forgotten.
  void begin_pass() { last_run_ = {}; }

  // Moves the connection's cursors to the tails and tells it what it missed.
  void skip_to_tails(connection_id id);

  // Forgets what waits for a connection that is to be closed, but for a frame that has begun.
  void drop_pending(connection_id id);

  // Bytes that wait for the connection, in its rooms and in its outbox.
  std::uint64_t lag(connection_id id) const;

 private:
  bool write_end(connection_id id);
  void collect(connection_id id, send_plan& plan) const;
  void collect_rooms(connection_id id, send_plan& plan) const;
  void apply(connection_id id, const send_plan& plan, std::uint64_t sent);
  std::uint32_t advance(connection_id id, const send_plan::segment& part, std::uint64_t taken);
  std::uint32_t advance_member(const send_plan::segment& part, std::uint64_t taken);
  std::uint64_t frames_in(const room_log& log, std::uint64_t from, std::uint64_t to);
  void skip_member(member_id id);
  void adopt_open_frame(connection_id id);

  // The frames of the last run of log that was sent: in a pass most members get the same run.
  struct counted_run {
    const room_log* log = nullptr;
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    std::uint64_t frames = 0;
  };

  context& shared_;
  outboxes& boxes_;
  rooms& places_;
  gather_send send_;
  counted_run last_run_;
};

}  // namespace chinwag
