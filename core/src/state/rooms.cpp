#include "state/rooms.hpp"

#include "wire/messages.hpp"

namespace chinwag {

room_id rooms::find(std::string_view name) const {
  return shared_.links.room_names.find(name);
}

member_id rooms::find_member(connection_id id, room_id place) const {
  member_id at = shared_.links.connections[id].first_member;
  while (at != no_id) {
    const member& candidate = shared_.truth.members[at];
    if (candidate.room == place && !candidate.leaving()) return at;
    at = shared_.links.members[at].next_of_connection;
  }
  return no_id;
}

void rooms::join(connection_id id, std::string_view name) {
  const room_id place = find_or_create(name);
  const member_id joined = shared_.truth.members.add();
  shared_.links.members.reset(joined);
  shared_.truth.members[joined] = {shared_.truth.rooms[place].log.tail, UINT64_MAX, id, place};
  link(joined, id, place);
  const quoted_name user(shared_.truth.names.view(shared_.truth.connections[id].user));
  publish(place, joined_message(quoted_name(name), user, shared_.clock.timestamp()));
}

void rooms::leave(member_id id) {
  member& leaver = shared_.truth.members[id];
  leaver.end = shared_.truth.rooms[leaver.room].log.tail;
  --shared_.links.connections[leaver.connection].rooms;
  --shared_.links.rooms[leaver.room].members;
  shared_.counts.members.set(shared_.counts.members.read() - 1);
  const room_id place = leaver.room;
  const connection_id owner = leaver.connection;
  if (leaver.cursor >= leaver.end) retire(id);
  announce_leaving(place, owner);
}

void rooms::leave_all(connection_id id) {
  for (member_id at = shared_.links.connections[id].first_member; at != no_id;) {
    const member_id next = shared_.links.members[at].next_of_connection;
    if (!shared_.truth.members[at].leaving()) leave(at);
    at = next;
  }
}

void rooms::announce_leaving(room_id place, connection_id leaver) {
  if (shared_.links.rooms[place].members == 0) return mark_dirty(place);
  const quoted_name room(shared_.truth.names.view(shared_.truth.rooms[place].name));
  const quoted_name user(shared_.truth.names.view(shared_.truth.connections[leaver].user));
  publish(place, left_message(room, user, shared_.clock.timestamp()));
}

void rooms::publish(room_id id, const message_parts& message) {
  append(shared_.truth.rooms[id].log, shared_.truth.chunks, message);
  shared_.counts.publishes.add();
  mark_dirty(id);
}

void rooms::mark_dirty(room_id id) {
  room_links& links = shared_.links.rooms[id];
  if (links.dirty) return;
  links.dirty = true;
  links.dirty_order = shared_.links.dirty_count++;
  shared_.links.dirty_rooms.push_back(id);
}

bool rooms::is_behind(room_id id) const {
  return shared_.truth.rooms[id].log.tail - shared_.links.rooms[id].passed >
         shared_.limits.room_backlog_bytes_max;
}

void rooms::retire(member_id id) {
  const room_id place = shared_.truth.members[id].room;
  unlink_from_connection(id);
  unlink_from_room(id);
  shared_.truth.members.remove(id);
  mark_dirty(place);  // the pass gives back what only this cursor pinned, or the room itself
}

void rooms::remove_if_empty(room_id id) {
  const room_links& links = shared_.links.rooms[id];
  if (links.first_member != no_id || links.dirty) return;
  room& empty = shared_.truth.rooms[id];
  release(empty.log, shared_.truth.chunks, empty.log.tail);
  shared_.links.room_names.remove(id);
  shared_.truth.names.drop(empty.name);
  shared_.truth.rooms.remove(id);
  shared_.counts.rooms.set(shared_.truth.rooms.live());
}

room_id rooms::find_or_create(std::string_view name) {
  const room_id known = find(name);
  if (known != no_id) return known;
  const room_id fresh = shared_.truth.rooms.add();
  shared_.links.rooms.reset(fresh);
  shared_.truth.rooms[fresh].name = shared_.truth.names.put(name);
  shared_.links.room_names.add(fresh);
  shared_.counts.rooms.set(shared_.truth.rooms.live());
  return fresh;
}

void rooms::link(member_id id, connection_id owner, room_id place) {
  member_links& links = shared_.links.members[id];
  connection_links& of_owner = shared_.links.connections[owner];
  room_links& of_room = shared_.links.rooms[place];
  links.next_of_connection = of_owner.first_member;
  of_owner.first_member = id;
  ++of_owner.rooms;
  // At the end of the room's list, where a pass under way still comes by.
  links.previous_in_room = of_room.last_member;
  (of_room.last_member == no_id ? of_room.first_member
                                : shared_.links.members[of_room.last_member].next_in_room) = id;
  of_room.last_member = id;
  if (of_room.in_pass && of_room.next_visit == no_id) of_room.next_visit = id;
  ++of_room.members;
  shared_.counts.members.add(1);
}

void rooms::unlink_from_connection(member_id id) {
  member_id* at = &shared_.links.connections[shared_.truth.members[id].connection].first_member;
  while (*at != id) at = &shared_.links.members[*at].next_of_connection;
  *at = shared_.links.members[id].next_of_connection;
}

void rooms::unlink_from_room(member_id id) {
  const member_links& links = shared_.links.members[id];
  room_links& of_room = shared_.links.rooms[shared_.truth.members[id].room];
  if (of_room.next_visit == id) of_room.next_visit = links.next_in_room;
  (links.previous_in_room == no_id ? of_room.first_member
                                   : shared_.links.members[links.previous_in_room].next_in_room) =
      links.next_in_room;
  (links.next_in_room == no_id ? of_room.last_member
                               : shared_.links.members[links.next_in_room].previous_in_room) =
      links.previous_in_room;
}

}  // namespace chinwag
