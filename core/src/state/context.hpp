#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "chinwag/handlers.hpp"
#include "chinwag/options.hpp"
#include "host/metrics.hpp"
#include "state/addresses.hpp"
#include "state/buffers.hpp"
#include "state/ids.hpp"
#include "state/names.hpp"
#include "state/other_nodes.hpp"
#include "state/owned.hpp"
#include "state/planted_fault.hpp"
#include "state/room_log.hpp"
#include "state/table.hpp"
#include "wire/message_reader.hpp"

namespace chinwag {

// The time of a turn: read once at its beginning, so that a publish costs no clock. Timestamps are
// Unix milliseconds, already as text.
//
// Deadlines run on the time in which the shard was able to serve. A process that is stopped (a
// debugger, `docker pause`, a migrated machine) or whose handler blocks hears nobody meanwhile: its
// clients' frames lie in the sockets, and no silence may be held against them.
class turn_clock {
 public:
  turn_clock();

  // `waited_ms` is how long the wait before this turn was to last at most.
  void begin_turn(std::uint32_t waited_ms);

  tick_ms now() const { return now_; }
  std::string_view timestamp() const { return {timestamp_.data(), timestamp_size_}; }

  // Microseconds since the turn began: this one asks the system.
  std::uint64_t spent_us() const;

 private:
  std::uint64_t began_us_ = 0;  // monotonic, moved on by what the process slept through
  std::uint64_t turn_us_ = 0;
  tick_ms now_ = 0;
  std::array<char, 20> timestamp_{};
  std::uint8_t timestamp_size_ = 0;
};

// The share of a turn that one of its parts may take. Work is counted in units of about a third of
// a microsecond, and the clock is looked at once in a while.
class work_budget {
 public:
  explicit work_budget(const turn_clock& clock) : clock_(clock) {}

  // From now until so many microseconds after the turn began.
  void begin(std::uint64_t until_us) {
    until_us_ = until_us;
    units_ = 0;
    spent_ = false;
  }

  // Takes note of work; true once the time is over.
  bool spend(std::uint32_t units) {
    units_ += units;
    if (units_ >= units_per_look) {
      units_ = 0;
      const bool over = clock_.spent_us() >= until_us_;
      spent_ = spent_ || (over && !planted(fault::reading_unbounded));
    }
    return spent_;
  }
  bool spent() const { return spent_; }

 private:
  static constexpr std::uint32_t units_per_look = 64;

  const turn_clock& clock_;
  std::uint64_t until_us_ = 0;
  std::uint32_t units_ = 0;
  bool spent_ = false;
};

// The truth of a shard: what a successor must see to go on with live connections. It refers to
// itself by places in tables only. Everything that can be found again by a scan of these tables is
// kept apart, in `derived`.

enum class connection_phase : std::uint8_t {
  free,
  http,  // until the upgrade; also those who only ask for /health
  chat,
  echo,
  closing,    // a close was decided: what waits is sent, then the close frame
  lingering,  // everything is sent and our side shut; waiting for the client's end
  dead,       // broken; removed at the end of the phase of the turn
};

// Whose bytes the unfinished frame on a connection's wire belongs to: a member or the outbox.
using frame_source = std::uint32_t;
inline constexpr frame_source no_source = no_id;
inline constexpr frame_source outbox_source = no_id - 1;
constexpr bool is_member(frame_source source) {
  return source != no_source && source != outbox_source;
}

class lifecycle;
class sender;

struct connection {
  stored_name user;                      // 16 bytes
  std::int32_t descriptor = -1;          // 4
  buffers_id buffers = no_id;            // 4, allocated while there is something to keep
  frame_source open_source = no_source;  // 4
  std::uint32_t open_left = 0;           // 4, bytes of the open frame not yet written
  tick_ms heard_at = 0;                  // 4, when the client's last frame ended, or a close began
  tick_ms since = 0;                     // 4, when it blocked, last progressed or began closing
  owned<std::uint16_t, lifecycle> close_with;  // 2, the code to close with; 0: no close frame
  owned<connection_phase, lifecycle> phase;    // 1, free at first
  bool blocked = false;                        // 1, the kernel's send buffer is full
  bool ending : 1 = false;                     // the close frame (or last response) is written
  bool answers_close : 1 = false;              // the client closed first
  bool input_ended : 1 = false;                // the client has shut its side: it may read on
  std::uint16_t http_requests = 0;             // 2, before the upgrade
};

// A membership: a cursor in a room's log.
struct member {
  std::uint64_t cursor = 0;          // 8, what lies before it was written to the connection
  std::uint64_t end = UINT64_MAX;    // 8, set on leaving: what lies behind it is not for it
  connection_id connection = no_id;  // 4
  room_id room = no_id;              // 4

  bool leaving() const { return end != UINT64_MAX; }
};

struct room {
  stored_name name;  // 16 bytes
  room_log log;      // 16
};

// What a connection keeps only while it needs it.
struct connection_buffers {
  outbox out;
  std::string unread;                   // bytes received and not yet decoded
  message_reader reader;                // a message that has begun
  std::unique_ptr<request_queue> held;  // what waits for the program's verdicts
  std::size_t counted = 0;              // bytes() when it was counted last

  // What it holds of the shard's memory.
  std::size_t bytes() const {
    return sizeof *this + out.memory() + unread.capacity() + reader.memory() +
           (held ? held->bytes() : 0);
  }

  bool empty() const { return out.empty() && unread.empty() && reader.idle() && !held; }
};

struct state {
  explicit state(const options& limits) : chunks(limits.memory_bytes_max) {}

  table<connection> connections;
  table<member> members;
  table<room> rooms;
  table<connection_buffers> buffers;
  chunk_pool chunks;
  name_store names;
};

// What a shard knows for speed and could find again by a scan of its state: indices, lists, places
// in queues. The records here mirror those of `state` and have the same places.

struct connection_links {
  member_id first_member = no_id;
  connection_id next_of_user = no_id;
  connection_id previous_of_user = no_id;
  connection_id timer_next = no_id;
  connection_id timer_previous = no_id;
  std::uint32_t generation = 0;  // tells an event for an earlier user of this place
  tick_ms pinged_at = 0;
  std::uint16_t timer_slot = UINT16_MAX;
  std::uint8_t rooms : 7 = 0;  // joined, without those being left
  bool writable : 1 = false;   // its socket takes more, and it waits for its share of a turn
  bool in_outbox_queue : 1 = false;
  bool reading_paused : 1 = false;  // waits until it may go on
  bool postponed : 1 = false;       // has input to serve, and waits for its next share
  bool peer_gone : 1 = false;       // reset by its client: what came before is served first
  bool last_look : 1 = false;       // about to be closed for silence: its next visit reads
  bool silent : 1 = false;          // that found nothing
  bool watches_read : 1 = true;     // what epoll was told
  bool watches_write : 1 = false;
};

struct member_links {
  member_id next_of_connection = no_id;
  member_id next_in_room = no_id;
  member_id previous_in_room = no_id;
};

struct room_links {
  std::uint64_t passed = 0;  // every unblocked member has been sent what lies before
  member_id first_member = no_id;
  member_id last_member = no_id;
  member_id next_visit = no_id;   // where the pass over the members goes on
  std::uint32_t members = 0;      // joined, without those being left
  std::uint32_t dirty_order = 0;  // when it became dirty, relative to other rooms
  bool dirty = false;
  bool in_pass = false;
  bool direct = false;  // a user's direct log, not a room
};

// What an idle member of one room costs, its user's index entry (at most 12
// bytes: a place and its share of a half-full table) and a name of up to 15 bytes included.
inline constexpr std::size_t index_entry_bytes_max = 12;
static_assert(sizeof(connection) + sizeof(connection_links) + sizeof(member) +
                  sizeof(member_links) + index_entry_bytes_max <=
              128);
static_assert(sizeof(room) + sizeof(room_links) <= 64);

struct derived {
  derived(const state& truth, const hash_key& key)
      : users([&truth](connection_id id) { return truth.names.view(truth.connections[id].user); },
              key),
        room_names([&truth](room_id id) { return truth.names.view(truth.rooms[id].name); }, key),
        direct_logs([&truth](room_id id) { return truth.names.view(truth.rooms[id].name); }, key) {}

  paged<connection_links> connections;
  paged<member_links> members;
  paged<room_links> rooms;
  name_index users;        // name -> first connection of that user
  name_index room_names;   // name -> room
  name_index direct_logs;  // user's name -> its direct log
  std::unordered_map<connection_id, std::uint32_t> user_counts;  // of users with several, by first
  address_counts addresses;                                      // while they are limited
  std::deque<room_id> dirty_rooms;          // in the order in which they became dirty
  std::uint32_t dirty_count = 0;            // ever: gives dirty_order
  std::uint32_t generations = 0;            // of connections, ever
  std::size_t held_bytes = 0;               // of requests that wait for verdicts
  std::size_t buffer_bytes = 0;             // of all connection_buffers
  std::vector<connection_id> outbox_queue;  // connections whose outbox was filled this turn
  std::deque<connection_handle> postponed;  // have input that waits for its share of a turn
  std::deque<connection_handle> writable;   // blocked so far, and can be sent to again
  std::vector<connection_id> dead;          // to be removed at the end of the phase
};

// What the parts of a shard share. It belongs to one thread; only `counts` may be read by others.
struct context {
  context(const options& settings, const hash_key& key)
      : limits(settings), truth(settings), links(truth, key) {}

  // The name of a connection that outlives it: its place and which of those in that place it is.
  connection_handle handle_of(connection_id id) const {
    return connection_handle{std::uint64_t{links.connections[id].generation} << 32 | id};
  }
  // What logs and buffers hold. Nothing that makes it grow is served while it is full; while it is
  // scarce, those who hold most give way.
  std::uint64_t memory_used() const { return links.buffer_bytes + truth.chunks.bytes(); }
  bool memory_full() const { return memory_used_to(limits.memory_bytes_max); }
  bool memory_scarce() const {
    return memory_used_to(limits.memory_bytes_max - limits.memory_bytes_max / 8);
  }

  bool memory_used_to(std::uint64_t bytes) const {
    return memory_used() >= bytes && !planted(fault::memory_unbounded);
  }

  // Puts the connection in line for its next share of a turn's reading.
  void postpone(connection_id id) {
    if (links.connections[id].postponed) return;
    links.connections[id].postponed = true;
    links.postponed.push_back(handle_of(id));
  }

  // Puts the connection in line to be sent to again.
  void is_writable(connection_id id) {
    if (links.connections[id].writable) return;
    links.connections[id].writable = true;
    links.writable.push_back(handle_of(id));
  }

  // The connection of that name, or no_id if it is gone.
  connection_id find(connection_handle handle) const {
    const auto id = static_cast<connection_id>(handle);
    if (id >= truth.connections.size() || handle_of(id) != handle) return no_id;
    return truth.connections[id].phase == connection_phase::free ? no_id : id;
  }

  // The same, or no_id if it does not chat, or not any more.
  connection_id find_chatting(connection_handle handle) const {
    const connection_id id = find(handle);
    const bool chats = id != no_id && truth.connections[id].phase == connection_phase::chat;
    return chats ? id : no_id;
  }

  const options limits;
  state truth;
  derived links;
  metrics counts;
  other_nodes* others = nullptr;  // none: this shard stands alone
  turn_clock clock;
  work_budget reading{clock};  // of the part of a turn that serves what clients sent
};

}  // namespace chinwag
