#pragma once

#include <string_view>

#include "state/context.hpp"

namespace chinwag {

// Rooms and who is in them. Joining, leaving and publishing are appends to the room's log.
class rooms {
 public:
  explicit rooms(context& shared) : shared_(shared) {}

  // no_id if there is no such room or no such membership.
  room_id find(std::string_view name) const;
  member_id find_member(connection_id id, room_id place) const;

  // Makes the connection a member. Its first message of the room is its own user_joined.
  void join(connection_id id, std::string_view name);

  // Ends a membership. What was published before stays due to the member; it is pinned until that
  // is written.
  void leave(member_id id);

  void leave_all(connection_id id);

  // Appends to the room's log.
  void publish(room_id id, const message_parts& message);

  // So much waits to be sent to its members that nobody should publish more.
  bool is_behind(room_id id) const;

  // Removes a membership that has left and to which nothing is due any more.
  void retire(member_id id);

  // Puts the room in line for a pass over its members.
  void mark_dirty(room_id id);

  // Removes a room without members, pinned ones included.
  void remove_if_empty(room_id id);

 private:
  room_id find_or_create(std::string_view name);
  void link(member_id id, connection_id owner, room_id place);
  void unlink_from_connection(member_id id);
  void unlink_from_room(member_id id);
  void announce_leaving(room_id place, connection_id leaver);

  context& shared_;
};

}  // namespace chinwag
