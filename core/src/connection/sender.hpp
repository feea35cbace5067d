#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "connection/outlet.hpp"
#include "state/context.hpp"
#include "state/outboxes.hpp"
#include "state/rooms.hpp"

namespace chinwag {

// An ordered list of what one system call is to write to one connection: which sources, from where,
// how much. It is made before the call and applied after it with what the kernel took. (It is also
// what a successor needs to know to settle a call that its maker did not live to see return.)
class send_plan {
 public:
  static constexpr std::size_t pieces_max = 64;

  // Without initial values: a plan is made for every send, and only its used part is looked at.
  struct segment {
    frame_source source;
    std::uint64_t from;  // a log position; of no meaning for the outbox
    std::uint64_t length;
    bool open;  // the rest of a frame that has begun, not a run of whole frames
  };

  bool full() const { return pieces_ == pieces_max; }
  bool empty() const { return segments_ == 0; }
  std::uint64_t total() const { return total_; }

  void add_bytes(frame_source source, std::string_view bytes) {
    pieces_list_[pieces_++] = {const_cast<char*>(bytes.data()), bytes.size()};
    note(source, 0, bytes.size(), false);
  }

  void add_log(frame_source source, const room_log& log, const chunk_pool& pool, std::uint64_t from,
               std::uint64_t to, bool open) {
    const std::span<iovec> free = std::span(pieces_list_).subspan(pieces_);
    const std::size_t count = read(log, pool, from, to, free);
    std::uint64_t length = 0;
    for (const iovec& piece : free.first(count)) length += piece.iov_len;
    pieces_ += count;
    if (length > 0) note(source, from, length, open);
  }

  // The run of whole frames of one log that the plan consists of, or nullptr.
  const segment* only_run() const {
    const bool is_run = segments_ == 1 && is_member(list_[0].source) && !list_[0].open;
    return is_run ? &list_[0] : nullptr;
  }

  // Of a plan that is one run: leaves its beginning. Its pieces stay as they are.
  void shorten(std::uint64_t length) { list_[0].length = total_ = length; }

  std::span<const segment> segments() const { return std::span(list_).first(segments_); }
  std::span<const iovec> pieces() const { return std::span(pieces_list_).first(pieces_); }

 private:
  void note(frame_source source, std::uint64_t from, std::uint64_t length, bool open) {
    list_[segments_++] = {source, from, length, open};
    total_ += length;
  }

  // Each segment has at least one piece, so there are never more segments than pieces.
  std::array<segment, pieces_max> list_;
  std::array<iovec, pieces_max> pieces_list_;
  std::size_t segments_ = 0;
  std::size_t pieces_ = 0;
  std::uint64_t total_ = 0;
};

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
  // What one send takes from an outbox at most: a large one goes out over several turns.
  static constexpr std::size_t outbox_bytes_per_send = 64 * 1024;

  sender(context& shared, outboxes& outboxes, rooms& rooms, outlet& out)
      : shared_(shared), outboxes_(outboxes), rooms_(rooms), out_(out) {}

  delivery deliver(connection_id id);

  // What deliveries have cost since the last call, in units of a work_budget. The kernel copies,
  // and on a quick link hands over, what it takes: large sends cost by their bytes.
  std::uint32_t take_work() { return std::exchange(work_, 0); }

  // A pass over a room's members, who get its log until `end`, most of them from `begin` on: the
  // kernel is lent that once for all of them. It may pause, when something else is to be done.
  void begin_pass(room_id place, std::uint64_t begin, std::uint64_t end);
  void resume_pass(room_id place, std::uint64_t end);
  void pause_pass();
  void end_pass();
  // Before the program is called amid a pass: a loan holds a signal back from the thread, and what
  // the program starts would inherit that.
  void release_thread();

  // Moves the connection's cursors to the tails and tells it what it missed.
  void skip_to_tails(connection_id id);

  // Forgets what waits for a connection that is to be closed, but for a frame that has begun.
  void drop_pending(connection_id id);

  // Bytes that wait for the connection, in its rooms and in its outbox.
  std::uint64_t lag(connection_id id) const;
  // Of those, what nobody else gets and no policy skips: its outbox and direct messages.
  std::uint64_t own_lag(connection_id id) const;
  // How far its rooms have gone on since what is due to it.
  std::uint64_t behind(connection_id id) const;
  // Memory of its rooms' logs that is kept for it.
  std::uint64_t kept_for(connection_id id) const;

  // Holds back those who publish where the connection lags.
  void hold_back_for(connection_id id);

 private:
  // A membership with something to send. Without initial values, as a plan's segments.
  struct lagging_member {
    member_id id;
    room_id place;
    std::uint64_t from;
    std::uint64_t until;
  };

  template <typename Bytes>
  std::uint64_t sum_of_members(connection_id id, Bytes bytes_of) const;
  std::uint64_t lag_of(member_id id) const;
  // What came of one send; `more` when the connection may have more at once.
  enum class progress : std::uint8_t { done, more, blocked, broken };

  bool write_end(connection_id id);
  progress send(connection_id id, send_plan& plan);
  ssize_t transmit(int descriptor, send_plan& plan);
  bool lend(const send_plan::segment& run);
  void end_loan();
  void collect(connection_id id, send_plan& plan) const;
  void collect_rooms(connection_id id, send_plan& plan) const;
  std::uint64_t due_now(connection_id id, const member& membership, std::uint64_t from) const;
  bool waits_for_pass(room_id place) const;
  void sort_by_age(std::span<lagging_member> lagging) const;
  void apply(connection_id id, const send_plan& plan, std::uint64_t sent);
  std::uint32_t advance(connection_id id, const send_plan::segment& part, std::uint64_t taken);
  std::uint32_t advance_member(const send_plan::segment& part, std::uint64_t taken);
  std::uint64_t frames_in(room_id place, std::uint64_t from, std::uint64_t to);
  void skip_member(member_id id);

  // A run of a room's log. In a pass most members get the same.
  struct log_run {
    room_id place = no_id;
    std::uint64_t from = 0;
    std::uint64_t to = 0;

    bool operator==(const log_run&) const = default;
  };

  context& shared_;
  outboxes& outboxes_;
  rooms& rooms_;
  outlet& out_;
  log_run last_run_;               // the last that was sent whole
  std::uint64_t last_frames_ = 0;  // in it

  // The pass that is under way; no room: none is.
  struct pass {
    room_id place = no_id;
    std::uint64_t begin = UINT64_MAX;
    std::uint64_t end = UINT64_MAX;
  };

  pass pass_;
  log_run lent_;  // what the outlet has for all who follow; no room: nothing
  std::uint32_t work_ = 0;
};

}  // namespace chinwag
