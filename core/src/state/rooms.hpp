#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "state/context.hpp"
#include "state/outboxes.hpp"

namespace chinwag {

// Rooms and who is in them. Joining, leaving and publishing are appends to the room's log.
//
// Direct messages to a user with several connections go the same way: such a user has a *direct
// log*, a room without a name of which all its connections are members. It is made for a message
// and removed once everyone has it, so that one message to a thousand connections is kept once, is
// sent within the budgets of a turn, and holds its sender back like one to a room.
class rooms {
 public:
  rooms(context& shared, outboxes& outboxes) : shared_(shared), outboxes_(outboxes) {}

  // no_id if there is no such room or no such membership.
  room_id find(std::string_view name) const;
  member_id find_member(connection_id id, room_id place) const;

  enum class news : std::uint8_t { to_all, told_elsewhere };

  // Makes the connection a member. Its first message of the room is its own user_joined, of which
  // other nodes may know already. Returns the room.
  room_id join(connection_id id, std::string_view name, news told = news::to_all);

  // Ends a membership. What waits for the leaver goes to its outbox, so that it comes before the
  // answer to whatever the leaver asks next, and before all that another membership of the same
  // room gets. Returns the room.
  room_id leave(member_id id);

  enum class farewell : std::uint8_t { announced, silent };

  // Ends all memberships of a connection that is about to close. What was published before stays
  // due to it. Silent: those left are about to close as well.
  void leave_all(connection_id id, farewell told);

  // How many rooms have members; direct logs are none.
  std::uint32_t live() const { return live_; }
  bool is_live(room_id id) const { return shared_.links.rooms[id].members > 0; }

  // Appends to the room's log, and sends it to its members on other nodes; `sender` is told where
  // that can't be done.
  void publish(room_id id, const message_parts& message, connection_id sender = no_id);
  // Appends without a word to other nodes.
  void publish_here(room_id id, const message_parts& message);
  // Appends what came from another node: whole frames.
  void publish_frames(room_id id, std::string_view frames);

  // The user's direct log, or no_id.
  room_id find_direct(std::string_view user) const;
  // Makes a direct log; `first` begins the list of the user's connections.
  room_id open_direct(std::string_view user, connection_id first);
  // A further connection of a user who has a direct log: it gets what comes from now on.
  void join_direct(connection_id id, room_id place);
  // What waits for the connection in its user's direct log goes to its outbox, so that what is put
  // there next comes after it.
  void directs_to_outbox(connection_id id);
  bool is_direct(room_id id) const { return shared_.links.rooms[id].direct; }

  // So much waits to be sent to its members that nobody should publish more.
  bool is_behind(room_id id);
  // A member that reads, but not fast enough, is half-way to its limit: publishers are held back
  // for a moment, so that it is not closed because others send fast.
  void hold_back(member_id slow);

  // Removes a membership that has left and to which nothing is due any more.
  void retire(member_id id);

  // Lets a cursor go before its frame is out: the outbox takes over the rest of the frame.
  void adopt_open_frame(connection_id id);

  // For a successor: a room as its predecessor had it, without its members; no_id if its log is
  // none. `low` is where the log begins.
  room_id inherit(std::string_view name, bool direct, std::uint32_t dirty_order, std::uint64_t low,
                  std::string_view log);
  // no_id for one that can't be.
  member_id inherit_member(connection_id owner, room_id place, std::uint64_t cursor,
                           std::uint64_t end);
  // Puts the room last in line for a pass over its members, in the order that it has already.
  void put_in_line(room_id id);
  // Behind those, the rooms that somebody has to get something of, and those that nobody is in.
  void all_in_line();

  // Puts the room in line for a pass over its members.
  void mark_dirty(room_id id);

  // Memory that the room's log keeps for the member, by its share among those who lag behind.
  std::uint64_t kept_for(member_id id) const;

  // At the end of a pass: gives back what all members have, and a direct log that all have.
  void settle(room_id id);

 private:
  // A room's publishers wait for its slow member.
  struct hold {
    member_id slow = no_id;
    connection_handle who{};
    tick_ms since = 0;
    std::uint64_t tail = 0;     // of the log then
    std::uint32_t held_ms = 0;  // how long they wait at most; once it is over, how long they did
    bool over = true;
    tick_ms rest_since = 0;  // of the last in which it did not catch up
    std::uint32_t rest_ms = 0;
  };

  room_id find_or_create(std::string_view name);
  room_id create(std::string_view name);
  member_id add_member(connection_id id, room_id place);
  void link(member_id id, connection_id owner, room_id place);
  void unlink_from_connection(member_id id);
  void unlink_from_room(member_id id);
  void end(member_id id, std::uint64_t at);
  void remove_member(member_id id);
  void announce_leaving(room_id place, connection_id leaver, farewell told);
  bool holds_back(room_id id);
  void end_hold(hold& last);
  bool went_on_since(const hold& last, room_id id) const;
  bool is_resting(const hold& last) const;
  std::uint32_t short_hold_ms() const;
  bool is_under_way(const hold& one, room_id id) const;
  void retire_all(room_id id);
  void remove_if_empty(room_id id);
  void emptied(room_id id);
  void count_room(int change);

  context& shared_;
  outboxes& outboxes_;
  std::uint32_t live_ = 0;
  std::unordered_map<room_id, hold> holds_;  // of the few rooms that have a slow member
  // How many members lag behind, of the few rooms where not all have everything.
  std::unordered_map<room_id, std::uint32_t> lagging_;
};

}  // namespace chinwag
