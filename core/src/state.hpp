#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "held_requests.hpp"
#include "ids.hpp"
#include "message_reader.hpp"
#include "name.hpp"
#include "outbox.hpp"
#include "room_log.hpp"
#include "table.hpp"

namespace chinwag {

// The truth of a shard: what a successor must see to go on with live connections. It refers to
// itself by places in tables only. Everything that can be found again by a scan of these tables is
// kept apart, in derived.hpp.

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

struct connection {
  stored_name user;                      // 16 bytes
  std::int32_t descriptor = -1;          // 4
  stash_id stash = no_id;                // 4, allocated while there is something to keep
  frame_source open_source = no_source;  // 4
  std::uint32_t open_left = 0;           // 4, bytes of the open frame not yet written
  tick_ms heard_at = 0;                  // 4, when the client's last frame ended
  tick_ms since = 0;                     // 4, when it blocked, last progressed or began closing
  std::uint16_t close_with = 0;          // 2, the code to close with; 0: no close frame
  connection_phase phase = connection_phase::free;  // 1
  bool blocked = false;                             // 1, the kernel's send buffer is full
  bool ending : 1 = false;                          // the close frame (or last response) is written
  bool answers_close : 1 = false;                   // the client closed first
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
struct stash {
  outbox out;
  std::string unread;                   // bytes received and not yet decoded
  message_reader reader;                // a message that has begun
  std::unique_ptr<held_requests> held;  // what waits for the program's verdicts

  bool empty() const { return out.empty() && unread.empty() && reader.idle() && !held; }
};

struct state {
  table<connection> connections;
  table<member> members;
  table<room> rooms;
  table<stash> stashes;
  chunk_pool chunks;
  name_store names;
};

}  // namespace chinwag
