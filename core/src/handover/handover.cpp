#include "handover/handover.hpp"

#include <algorithm>
#include <utility>

#include "wire/name.hpp"

namespace chinwag {

namespace {

status unreadable() {
  return {error::system_failure, "the predecessor's state can't be read"};
}

// The kernel passes 253 at once, and a turn has time for so many.
constexpr std::size_t presented_at_once = 250;

}  // namespace

void handover::present_anew() {
  presented_.clear();
  next_to_present_ = 0;
}

status handover::present(const offer& give, bool& more) {
  const state& truth = shared_.truth;
  std::vector<int> descriptors;
  connection_id next = next_to_present_;
  std::vector<connection_handle> handles;
  for (; next < truth.connections.size() && descriptors.size() < presented_at_once; ++next) {
    const connection& of = truth.connections[next];
    if (of.phase == connection_phase::free || of.phase == connection_phase::dead) continue;
    descriptors.push_back(of.descriptor);
    handles.push_back(shared_.handle_of(next));
  }
  if (status taken = descriptors.empty() ? status{} : give(descriptors); !taken) return taken;
  presented_.insert(presented_.end(), handles.begin(), handles.end());
  next_to_present_ = next;
  more = next < truth.connections.size();
  return {};
}

status handover::write(image_writer& to, std::vector<int>& descriptors) {
  shared_.counts.write(to);
  write_rooms(to);
  std::vector<bool> written(shared_.truth.connections.size());
  write_presented(to, written);
  const auto ahead = static_cast<std::uint32_t>(std::ranges::count(written, true));
  to.number(shared_.truth.connections.live() - ahead);
  for (connection_id id = 0; id < shared_.truth.connections.size(); ++id) {
    if (written[id] || shared_.truth.connections[id].phase == connection_phase::free) continue;
    descriptors.push_back(shared_.truth.connections[id].descriptor);
    write_connection(to, id);
  }
  return {};
}

// In their order, with the places of those that have ended. Of another connection in the place of
// one that has, the descriptor did not go ahead.
void handover::write_presented(image_writer& to, std::vector<bool>& written) {
  to.number(static_cast<std::uint32_t>(presented_.size()));
  for (const connection_handle handle : presented_) {
    connection_id id = shared_.find(handle);
    if (planted(fault::presented_by_place)) id = static_cast<connection_id>(handle);
    if (id == no_id || shared_.truth.connections[id].phase == connection_phase::free) {
      to.number(connection_phase::free);
      continue;
    }
    written[id] = true;
    write_connection(to, id);
  }
}

void handover::write_rooms(image_writer& to) {
  to.number(shared_.links.dirty_count);
  to.number(shared_.truth.rooms.live());
  for (room_id id = 0; id < shared_.truth.rooms.size(); ++id) {
    if (shared_.truth.rooms[id].name.size != 0) write_room(to, id);
  }
  to.number(shared_.links.dirty_rooms.size());
  for (const room_id id : shared_.links.dirty_rooms) to.number(id);
}

void handover::write_room(image_writer& to, room_id id) {
  const room& place = shared_.truth.rooms[id];
  const room_links& links = shared_.links.rooms[id];
  std::uint64_t low = place.log.tail;
  for (member_id at = links.first_member; at != no_id;
       at = shared_.links.members[at].next_in_room) {
    low = std::min(low, shared_.truth.members[at].cursor);
  }
  // A member whose frame is half out has a cursor in the middle of it.
  low = frame_begin(place.log, shared_.truth.chunks, low);
  if (planted(fault::log_left_behind)) low = place.log.tail;
  to.number(id);
  to.text(shared_.truth.names.view(place.name));
  to.number(links.direct);
  to.number(links.dirty_order);
  to.number(low);
  to.text(copy(place.log, shared_.truth.chunks, low));
}

void handover::write_connection(image_writer& to, connection_id id) {
  const connection& of = shared_.truth.connections[id];
  const connection_links& links = shared_.links.connections[id];
  to.number(static_cast<connection_phase>(of.phase));
  to.text(shared_.truth.names.view(of.user));
  to.number(static_cast<std::uint16_t>(of.close_with));
  to.number(of.http_requests);
  for (const bool flag :
       {bool{of.blocked}, bool{of.ending}, bool{of.answers_close}, bool{of.input_ended}}) {
    to.number(flag);
  }
  // One that is not read from is not heard either.
  to.number(links.reading_paused ? 0U : age(of.heard_at));
  to.number(age(of.since));
  to.number(age(links.pinged_at));
  to.number(planted(fault::open_frame_left_behind) ? 0U : of.open_left);
  write_memberships(to, id);
  const bool keeps = of.buffers != no_id;
  to.number(keeps);
  if (!keeps) return;
  const connection_buffers& kept = shared_.truth.buffers[of.buffers];
  kept.out.write(to);
  to.text(planted(fault::unread_left_behind) ? std::string_view{} : kept.unread);
  kept.reader.write(to);
}

void handover::write_memberships(image_writer& to, connection_id id) {
  std::vector<member_id> all;
  for (member_id at = shared_.links.connections[id].first_member; at != no_id;
       at = shared_.links.members[at].next_of_connection) {
    all.push_back(at);
  }
  to.number(all.size());
  // The list begins with the newest.
  for (auto at = all.rbegin(); at != all.rend(); ++at) {
    const member& one = shared_.truth.members[*at];
    to.number(one.room);
    to.number(one.cursor);
    to.number(one.end);
    to.number(shared_.truth.connections[id].open_source == *at);
  }
}

bool handover::expect(int descriptor) {
  const auto place = static_cast<connection_id>(expected_.size());
  expected_.push_back(descriptor);
  const std::uint32_t generation = place + 1;
  return poller_.watch(descriptor, std::uint64_t{generation} << 32 | place);
}

void handover::forget_expected() {
  for (const int descriptor : expected_) kernel::close(descriptor);
  expected_.clear();
}

status handover::read(image_reader& from, const std::vector<int>& descriptors) {
  new_ids rooms;
  shared_.counts.read_counted(from);
  read_rooms(from, rooms);
  std::vector<connection_id> empty;
  if (status outcome = read_expected(from, rooms, empty); !outcome) return outcome;
  const auto connections = from.number<std::uint32_t>();
  if (!from.good() || connections != descriptors.size()) return unreadable();
  for (const int descriptor : descriptors) {
    const inherited_connection was{.descriptor = descriptor,
                                   .phase = from.number<connection_phase>()};
    if (status outcome = read_connection(from, was, rooms); !outcome) return outcome;
  }
  rooms_.all_in_line();
  if (!from.good() || !from.at_end()) return unreadable();
  for (const connection_id id : empty) {
    if (!planted(fault::gone_kept)) poller_.close_unwatched(expected_[id]);
    shared_.truth.connections.remove(id);
  }
  shared_.counts.connections.set(lifecycle_.live());
  frame_ends_.clear();
  expected_.clear();
  return {};
}

// Places are given out in order as long as none is given back: `empty` ones are, in the end.
status handover::read_expected(image_reader& from, const new_ids& rooms,
                               std::vector<connection_id>& empty) {
  const auto count = from.number<std::uint32_t>();
  if (!from.good() || count != expected_.size()) return unreadable();
  for (const int descriptor : expected_) {
    const inherited_connection was{
        .descriptor = descriptor, .phase = from.number<connection_phase>(), .is_watched = true};
    if (was.phase == connection_phase::free) {
      empty.push_back(lifecycle_.take_place());
    } else if (status outcome = read_connection(from, was, rooms); !outcome) {
      return outcome;
    }
  }
  return {};
}

void handover::read_rooms(image_reader& from, new_ids& rooms) {
  shared_.links.dirty_count = from.number<std::uint32_t>();
  for (auto left = from.number<std::uint32_t>(); left > 0 && from.good(); --left) {
    const auto was = from.number<room_id>();
    const std::string_view name = from.text();
    const bool direct = from.number<bool>();
    const auto dirty_order = from.number<std::uint32_t>();
    const auto low = from.number<std::uint64_t>();
    const std::string_view log = from.text();
    if (!from.good() || !is_name(name)) return from.fail();
    const room_id inherited = rooms_.inherit(name, direct, dirty_order, low, log);
    if (inherited == no_id) return from.fail();
    rooms[was] = inherited;
  }
  for (auto left = from.number<std::size_t>(); left > 0 && from.good(); --left) {
    const auto known = rooms.find(from.number<room_id>());
    if (known == rooms.end()) return from.fail();
    rooms_.put_in_line(known->second);
  }
}

status handover::read_connection(image_reader& from, inherited_connection was,
                                 const new_ids& rooms) {
  was.user = from.text();
  was.close_with = from.number<std::uint16_t>();
  was.http_requests = from.number<std::uint16_t>();
  for (bool* flag : {&was.blocked, &was.ending, &was.answers_close, &was.input_ended}) {
    *flag = from.number<bool>();
  }
  for (std::uint32_t* age : {&was.heard_ms, &was.since_ms, &was.pinged_ms}) {
    *age = from.number<std::uint32_t>();
  }
  was.open_left = from.number<std::uint32_t>();
  const bool named = was.user.empty() || is_name(was.user);
  if (!from.good() || !named) return unreadable();
  const connection_id id = lifecycle_.inherit(was);
  if (id == no_id) return {error::no_descriptors, "the predecessor's connection can't be watched"};
  read_memberships(from, id, rooms);
  if (from.number<bool>()) {
    connection_buffers& kept = outboxes_.buffers_of(id);
    kept.out.read(from);
    kept.unread = from.text();
    kept.reader.read(from);
  }
  if (!from.good() || !has_its_open_frame(id) || !stands_between_frames(id)) return unreadable();
  outboxes_.trim(id);
  lifecycle_.go_on(id);
  return {};
}

// The rest of a frame that has begun lies where it is said to.
bool handover::has_its_open_frame(connection_id id) const {
  const connection& of = shared_.truth.connections[id];
  if (of.open_source == no_source) return of.open_left == 0;
  if (of.open_source == outbox_source) return outboxes_.waiting(id) >= of.open_left;
  const member& open = shared_.truth.members[of.open_source];
  const std::uint64_t until = std::min(open.end, shared_.truth.rooms[open.room].log.tail);
  return of.open_left > 0 && until - open.cursor >= of.open_left;
}

// But for the frame that has begun, each of its rooms goes on with a whole one.
bool handover::stands_between_frames(connection_id id) {
  const connection& of = shared_.truth.connections[id];
  for (member_id at = shared_.links.connections[id].first_member; at != no_id;
       at = shared_.links.members[at].next_of_connection) {
    const member& one = shared_.truth.members[at];
    const std::uint64_t next = one.cursor + (of.open_source == at ? of.open_left : 0);
    if (!is_end_of_frame(one.room, next)) return false;
    if (one.leaving() && !is_end_of_frame(one.room, one.end)) return false;
  }
  return true;
}

bool handover::is_end_of_frame(room_id place, std::uint64_t position) {
  const room_log& log = shared_.truth.rooms[place].log;
  const std::uint64_t low = shared_.links.rooms[place].passed;
  if (position == low || position == log.tail) return true;
  std::vector<std::uint64_t>& ends = frame_ends_[place];
  if (ends.empty()) ends = frame_ends(log, shared_.truth.chunks, low);
  return std::ranges::binary_search(ends, position);
}

void handover::read_memberships(image_reader& from, connection_id id, const new_ids& rooms) {
  for (auto left = from.number<std::size_t>(); left > 0 && from.good(); --left) {
    const auto known = rooms.find(from.number<room_id>());
    const auto cursor = from.number<std::uint64_t>();
    const auto end = from.number<std::uint64_t>();
    const bool open = from.number<bool>();
    if (known == rooms.end()) return from.fail();
    const member_id inherited = rooms_.inherit_member(id, known->second, cursor, end);
    if (inherited == no_id) return from.fail();
    if (open) shared_.truth.connections[id].open_source = inherited;
  }
}

}  // namespace chinwag
