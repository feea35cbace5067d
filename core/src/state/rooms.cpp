#include "state/rooms.hpp"

#include <algorithm>
#include <array>

#include "host/invariant.hpp"
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

room_id rooms::join(connection_id id, std::string_view name, news told) {
  const room_id place = find_or_create(name);
  add_member(id, place);
  ++shared_.links.connections[id].rooms;
  shared_.counts.members.add(1);
  const quoted_name user(shared_.truth.names.view(shared_.truth.connections[id].user));
  const quoted_name room(name);
  const message_parts joined = joined_message(room, user, shared_.clock.timestamp());
  if (told == news::told_elsewhere) {
    publish_here(place, joined);
  } else {
    publish(place, joined, id);
  }
  return place;
}

room_id rooms::leave(member_id id) {
  const member& leaver = shared_.truth.members[id];
  const room_id place = leaver.room;
  const connection_id owner = leaver.connection;
  // A frame that has begun would keep the log from here on for as long as it takes.
  if (shared_.truth.connections[owner].open_source == id) adopt_open_frame(owner);
  const std::uint64_t due_from = leaver.cursor;
  const room_log& log = shared_.truth.rooms[place].log;
  if (!planted(fault::leave_drops_pending)) outboxes_.add_frames(owner, log, due_from);
  shared_.counts.deliveries.add(walk_frames(log, shared_.truth.chunks, due_from, log.tail).frames);
  end(id, due_from);
  announce_leaving(place, owner, farewell::announced);
  return place;
}

void rooms::leave_all(connection_id id, farewell told) {
  for (member_id at = shared_.links.connections[id].first_member; at != no_id;) {
    const member_id next = shared_.links.members[at].next_of_connection;
    const member& one = shared_.truth.members[at];
    if (!one.leaving()) {
      const room_id place = one.room;
      end(at, shared_.truth.rooms[place].log.tail);
      announce_leaving(place, id, told);
    }
    at = next;
  }
}

// Ends a membership where `at` is the last that is due to it.
void rooms::end(member_id id, std::uint64_t at) {
  member& leaver = shared_.truth.members[id];
  invariant(!leaver.leaving());
  leaver.end = at;
  room_links& of_room = shared_.links.rooms[leaver.room];
  --of_room.members;
  if (!of_room.direct) {
    if (of_room.members == 0) emptied(leaver.room);
    --shared_.links.connections[leaver.connection].rooms;
    if (!planted(fault::members_leak))
      shared_.counts.members.set(shared_.counts.members.read() - 1);
  }
  mark_dirty(leaver.room);  // it may have been the last that the room was kept for
  if (leaver.cursor >= leaver.end) retire(id);
}

// Members on other nodes stay, whoever is about to go here.
void rooms::announce_leaving(room_id place, connection_id leaver, farewell told) {
  const bool dead = shared_.truth.connections[leaver].phase == connection_phase::dead;
  if (planted(fault::left_missing) && dead) return mark_dirty(place);
  if (is_direct(place)) return;
  const bool heard_here = told == farewell::announced && shared_.links.rooms[place].members > 0;
  if (!heard_here && shared_.others == nullptr) return;
  const quoted_name room(shared_.truth.names.view(shared_.truth.rooms[place].name));
  const quoted_name user(shared_.truth.names.view(shared_.truth.connections[leaver].user));
  const message_parts left = left_message(room, user, shared_.clock.timestamp());
  if (heard_here) return publish(place, left, leaver);
  shared_.others->to_room(shared_.truth.names.view(shared_.truth.rooms[place].name), left, leaver);
}

room_id rooms::find_direct(std::string_view user) const {
  return shared_.links.direct_logs.find(user);
}

room_id rooms::open_direct(std::string_view user, connection_id first) {
  const room_id fresh = create(user);
  shared_.links.rooms[fresh].direct = true;
  shared_.links.direct_logs.add(fresh);
  for (connection_id id = first; id != no_id; id = shared_.links.connections[id].next_of_user) {
    add_member(id, fresh);
    if (planted(fault::direct_to_one)) break;
  }
  return fresh;
}

void rooms::join_direct(connection_id id, room_id place) {
  add_member(id, place);
}

void rooms::directs_to_outbox(connection_id id) {
  const stored_name& user = shared_.truth.connections[id].user;
  const room_id place = find_direct(shared_.truth.names.view(user));
  const member_id at = place == no_id ? no_id : find_member(id, place);
  if (at == no_id) return;
  if (shared_.truth.connections[id].open_source == at) adopt_open_frame(id);
  member& to = shared_.truth.members[at];
  const room_log& log = shared_.truth.rooms[place].log;
  if (to.cursor >= log.tail) return;
  outboxes_.add_frames(id, log, to.cursor);
  to.cursor = log.tail;
  mark_dirty(place);  // it may have been the last to need a chunk
}

void rooms::adopt_open_frame(connection_id id) {
  connection& to = shared_.truth.connections[id];
  if (!is_member(to.open_source)) return;
  const member_id from = to.open_source;
  member& open = shared_.truth.members[from];
  std::array<iovec, 1> rest{};  // a frame lies in one chunk
  read(shared_.truth.rooms[open.room].log, shared_.truth.chunks, open.cursor,
       open.cursor + to.open_left, rest);
  outboxes_.add_first(id, {static_cast<const char*>(rest[0].iov_base), to.open_left});
  to.open_source = outbox_source;
  if (!is_direct(open.room)) shared_.counts.deliveries.add();
  open.cursor += to.open_left;
  if (open.cursor >= open.end) retire(from);
}

void rooms::publish(room_id id, const message_parts& message, connection_id sender) {
  publish_here(id, message);
  if (shared_.others == nullptr || is_direct(id)) return;
  shared_.others->to_room(shared_.truth.names.view(shared_.truth.rooms[id].name), message, sender);
}

void rooms::publish_here(room_id id, const message_parts& message) {
  append(shared_.truth.rooms[id].log, shared_.truth.chunks, message);
  if (!is_direct(id)) shared_.counts.publishes.add();
  mark_dirty(id);
}

void rooms::publish_frames(room_id id, std::string_view frames) {
  invariant(append_frames(shared_.truth.rooms[id].log, shared_.truth.chunks, frames));
  mark_dirty(id);
}

void rooms::mark_dirty(room_id id) {
  room_links& links = shared_.links.rooms[id];
  if (links.dirty) return;
  links.dirty_order = shared_.links.dirty_count++;
  put_in_line(id);
}

bool rooms::is_behind(room_id id) {
  if (planted(fault::never_behind)) return false;
  const std::uint64_t backlog = shared_.truth.rooms[id].log.tail - shared_.links.rooms[id].passed;
  return backlog > shared_.limits.room_backlog_bytes_max || (!holds_.empty() && holds_back(id));
}

// However many members are slow, a room goes on for a while after each hold, and one in which the
// member did not catch up is followed by nine times as long with short ones only. So a room keeps
// the pace of a member that catches up in time, and of none that is slower.
void rooms::hold_back(member_id slow) {
  const member& late = shared_.truth.members[slow];
  hold& last = holds_[late.room];
  if (is_under_way(last, late.room)) return;
  end_hold(last);
  if (last.slow != no_id && !went_on_since(last, late.room)) return;
  last.slow = slow;
  last.who = shared_.handle_of(late.connection);
  last.since = shared_.clock.now();
  last.tail = shared_.truth.rooms[late.room].log.tail;
  // A direct log is gone once all have it, and what is known of its holds with it.
  const bool briefly = is_resting(last) || is_direct(late.room);
  last.held_ms = briefly ? short_hold_ms() : shared_.limits.hold_back_ms;
  last.over = false;
}

void rooms::end_hold(hold& last) {
  if (last.over) return;
  last.over = true;
  // The clock counts whole ones.
  const std::uint32_t held_ms = elapsed_ms(last.since, shared_.clock.now()) + 1;
  last.held_ms = std::min(last.held_ms, held_ms);
  if (last.held_ms < shared_.limits.hold_back_ms) return;
  last.rest_since = last.since;
  last.rest_ms = last.held_ms * 10;
}

bool rooms::went_on_since(const hold& last, room_id id) const {
  const std::uint64_t published = shared_.truth.rooms[id].log.tail - last.tail;
  return published >= shared_.limits.pending_bytes_max / 4;
}

bool rooms::is_resting(const hold& last) const {
  return elapsed_ms(last.rest_since, shared_.clock.now()) < last.rest_ms;
}

std::uint32_t rooms::short_hold_ms() const {
  return shared_.limits.hold_back_ms / 2;
}

// Whether the room's slow member still keeps its publishers waiting.
bool rooms::holds_back(room_id id) {
  const auto found = holds_.find(id);
  if (found == holds_.end()) return false;
  hold& last = found->second;
  if (is_under_way(last, id)) return true;
  end_hold(last);
  if (!is_resting(last) && went_on_since(last, id)) holds_.erase(found);
  return false;
}

bool rooms::is_under_way(const hold& one, room_id id) const {
  if (one.over || elapsed_ms(one.since, shared_.clock.now()) >= one.held_ms) return false;
  const connection_id owner = shared_.find(one.who);
  const member& slow = shared_.truth.members[one.slow];
  const bool same = owner != no_id && slow.connection == owner && slow.room == id &&
                    !slow.leaving() && shared_.truth.connections[owner].blocked;
  const std::uint64_t lag = same ? shared_.truth.rooms[id].log.tail - slow.cursor : 0;
  return lag > shared_.limits.pending_bytes_max / 8;
}

std::uint64_t rooms::kept_for(member_id id) const {
  const member& late = shared_.truth.members[id];
  const auto found = lagging_.find(late.room);
  const std::uint64_t sharing = found == lagging_.end() ? 1 : found->second;
  return memory_from(shared_.truth.rooms[late.room].log, shared_.truth.chunks, late.cursor) /
         sharing;
}

void rooms::retire(member_id id) {
  const room_id place = shared_.truth.members[id].room;
  remove_member(id);
  mark_dirty(place);  // the pass gives back what only this cursor pinned, or the room itself
}

void rooms::settle(room_id id) {
  const room_links& links = shared_.links.rooms[id];
  room& place = shared_.truth.rooms[id];
  std::uint64_t low = place.log.tail;
  std::uint32_t lagging = 0;
  for (member_id at = links.first_member; at != no_id;
       at = shared_.links.members[at].next_in_room) {
    if (planted(fault::chunk_recycled_under_leaver) && shared_.truth.members[at].leaving())
      continue;
    const std::uint64_t cursor = shared_.truth.members[at].cursor;
    if (cursor < place.log.tail) ++lagging;
    low = std::min(low, cursor);
  }
  if (planted(fault::chunk_recycled_early)) low = place.log.tail;
  release(place.log, shared_.truth.chunks, low);
  if (lagging > 0) {
    lagging_[id] = lagging;
  } else if (!lagging_.empty()) {
    lagging_.erase(id);
  }
  if (links.passed < place.log.tail) mark_dirty(id);
  if (low < place.log.tail) return;
  if (links.direct && !links.dirty) retire_all(id);
  remove_if_empty(id);
}

room_id rooms::inherit(std::string_view name, bool direct, std::uint32_t dirty_order,
                       std::uint64_t low, std::string_view log) {
  const room_id fresh = create(name);
  room_links& links = shared_.links.rooms[fresh];
  links.direct = direct;
  links.dirty_order = dirty_order;
  links.passed = low;
  (direct ? shared_.links.direct_logs : shared_.links.room_names).add(fresh);
  return restore(shared_.truth.rooms[fresh].log, shared_.truth.chunks, low, log) ? fresh : no_id;
}

member_id rooms::inherit_member(connection_id owner, room_id place, std::uint64_t cursor,
                                std::uint64_t end) {
  const room_links& of_room = shared_.links.rooms[place];
  if (cursor < of_room.passed || cursor > shared_.truth.rooms[place].log.tail) return no_id;
  if (end < cursor) return no_id;
  const member_id id = add_member(owner, place);
  shared_.truth.members[id].cursor = cursor;
  shared_.truth.members[id].end = end;
  if (shared_.truth.members[id].leaving()) {
    if (--shared_.links.rooms[place].members == 0 && !of_room.direct) count_room(-1);
  } else if (!of_room.direct) {
    ++shared_.links.connections[owner].rooms;
    shared_.counts.members.add(1);
  }
  return id;
}

void rooms::put_in_line(room_id id) {
  if (shared_.links.rooms[id].dirty) return;
  shared_.links.rooms[id].dirty = true;
  shared_.links.dirty_rooms.push_back(id);
}

void rooms::all_in_line() {
  std::vector<room_id> due;
  for (room_id id = 0; id < shared_.truth.rooms.size(); ++id) {
    const bool there = shared_.truth.rooms[id].name.size != 0;
    const bool unused = shared_.links.rooms[id].first_member == no_id;
    if (there && (unused || shared_.truth.rooms[id].log.first != no_id)) due.push_back(id);
  }
  std::sort(due.begin(), due.end(), [this](room_id left, room_id right) {
    return shared_.links.rooms[left].dirty_order < shared_.links.rooms[right].dirty_order;
  });
  for (const room_id id : due) put_in_line(id);
}

// Everyone has what the direct log held.
void rooms::retire_all(room_id id) {
  while (shared_.links.rooms[id].first_member != no_id) {
    const member_id at = shared_.links.rooms[id].first_member;
    if (!shared_.truth.members[at].leaving()) --shared_.links.rooms[id].members;
    remove_member(at);
  }
}

void rooms::remove_member(member_id id) {
  unlink_from_connection(id);
  unlink_from_room(id);
  shared_.truth.members.remove(id);
}

// Removes a room without members, pinned ones included.
void rooms::remove_if_empty(room_id id) {
  const room_links& links = shared_.links.rooms[id];
  if (links.first_member != no_id || links.dirty) return;
  room& empty = shared_.truth.rooms[id];
  release(empty.log, shared_.truth.chunks, empty.log.tail);
  if (links.direct) {
    shared_.links.direct_logs.remove(id);
  } else {
    shared_.links.room_names.remove(id);
  }
  holds_.erase(id);
  lagging_.erase(id);
  shared_.truth.names.drop(empty.name);
  shared_.truth.rooms.remove(id);
  shared_.links.rooms.reset(id);  // a connection may still wait for it to catch up
}

void rooms::emptied(room_id id) {
  count_room(-1);
  if (shared_.others == nullptr) return;
  shared_.others->forget_room(shared_.truth.names.view(shared_.truth.rooms[id].name));
}

void rooms::count_room(int change) {
  live_ += static_cast<std::uint32_t>(change);
  shared_.counts.rooms.set(live_);
}

room_id rooms::find_or_create(std::string_view name) {
  const room_id known = find(name);
  if (known != no_id) return known;
  const room_id fresh = create(name);
  shared_.links.room_names.add(fresh);
  return fresh;
}

room_id rooms::create(std::string_view name) {
  const room_id fresh = shared_.truth.rooms.add();
  shared_.links.rooms.reset(fresh);
  shared_.truth.rooms[fresh].name = shared_.truth.names.put(name);
  return fresh;
}

member_id rooms::add_member(connection_id id, room_id place) {
  const member_id joined = shared_.truth.members.add();
  shared_.links.members.reset(joined);
  shared_.truth.members[joined] = {shared_.truth.rooms[place].log.tail, UINT64_MAX, id, place};
  if (planted(fault::cursor_too_early) && shared_.links.rooms[place].members > 0) {
    shared_.truth.members[joined].cursor = shared_.links.rooms[place].passed;
  }
  link(joined, id, place);
  return joined;
}

void rooms::link(member_id id, connection_id owner, room_id place) {
  member_links& links = shared_.links.members[id];
  connection_links& of_owner = shared_.links.connections[owner];
  room_links& of_room = shared_.links.rooms[place];
  links.next_of_connection = of_owner.first_member;
  of_owner.first_member = id;
  // At the end of the room's list, where a pass under way still comes by.
  links.previous_in_room = of_room.last_member;
  (of_room.last_member == no_id ? of_room.first_member
                                : shared_.links.members[of_room.last_member].next_in_room) = id;
  of_room.last_member = id;
  if (of_room.in_pass && of_room.next_visit == no_id) of_room.next_visit = id;
  if (++of_room.members == 1 && !of_room.direct) count_room(1);
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
