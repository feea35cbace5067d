#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "ids.hpp"
#include "name_index.hpp"
#include "state.hpp"
#include "table.hpp"

namespace chinwag {

// What a shard knows for speed and could find again by a scan of its state: indices, lists, places
// in queues. The records here mirror those of state.hpp and have the same places.

struct connection_links {
  member_id first_member = no_id;
  connection_id next_of_user = no_id;
  connection_id previous_of_user = no_id;
  connection_id timer_next = no_id;
  connection_id timer_previous = no_id;
  std::uint32_t generation = 0;  // tells an event for an earlier user of this place
  tick_ms pinged_at = 0;
  std::uint16_t timer_slot = UINT16_MAX;
  std::uint8_t rooms = 0;  // joined, without those being left
  bool in_outbox_queue : 1 = false;
  bool reading_paused : 1 = false;
  bool watches_read : 1 = true;  // what epoll was told
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
};

// Rule 6 of the design: what an idle member of one room costs, its user's index entry (at most 12
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
        room_names([&truth](room_id id) { return truth.names.view(truth.rooms[id].name); }, key) {}

  paged<connection_links> connections;
  paged<member_links> members;
  paged<room_links> rooms;
  name_index users;                         // name -> first connection of that user
  name_index room_names;                    // name -> room
  std::deque<room_id> dirty_rooms;          // in the order in which they became dirty
  std::uint32_t dirty_count = 0;            // ever: gives dirty_order
  std::uint32_t generations = 0;            // of connections, ever
  std::size_t held_bytes = 0;               // of requests that wait for verdicts
  std::vector<connection_id> outbox_queue;  // connections whose outbox was filled this turn
  std::vector<connection_id> dead;          // to be removed at the end of the phase
};

}  // namespace chinwag
