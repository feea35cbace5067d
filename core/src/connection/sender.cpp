#include "connection/sender.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "host/invariant.hpp"
#include "wire/messages.hpp"

namespace chinwag {

namespace {

constexpr std::uint32_t units_per_send = 8;
constexpr std::uint32_t bytes_per_unit = 1'024;

// The kernel takes nothing now and may later. Out of buffers it may say so of a socket that is
// writable: the poller is level-triggered and has the next turn try again.
bool takes_later(ssize_t sent) {
  return sent == -EAGAIN || sent == -ENOBUFS || sent == -ENOMEM;
}

std::uint64_t due_until(const member& to, const room& place) {
  return std::min(to.end, place.log.tail);
}

}  // namespace

delivery sender::deliver(connection_id id) {
  connection& to = shared_.truth.connections[id];
  while (true) {
    send_plan plan;
    collect(id, plan);
    if (plan.empty() && !write_end(id)) break;
    if (plan.empty()) continue;
    const progress came = send(id, plan);
    if (came == progress::broken) return delivery::broken;
    if (came == progress::blocked) return delivery::blocked;
    if (came == progress::more) continue;
    if (outboxes_.waiting(id) > 0) {
      outboxes_.queue(id);
      return delivery::idle;
    }
    if (!plan.full() && to.phase != connection_phase::closing) break;
  }
  to.blocked = false;
  return to.ending ? delivery::finished : delivery::idle;
}

sender::progress sender::send(connection_id id, send_plan& plan) {
  connection& to = shared_.truth.connections[id];
  const std::uint64_t planned = plan.total();
  const ssize_t sent = transmit(to.descriptor, plan);
  shared_.counts.send_calls.add();
  work_ += units_per_send + static_cast<std::uint32_t>(std::max<ssize_t>(sent, 0)) / bytes_per_unit;
  if (sent == -EINTR) return progress::more;  // it says nothing of the connection
  if (sent < 0 && !takes_later(sent)) return progress::broken;
  if (sent > 0) apply(id, plan, static_cast<std::uint64_t>(sent));
  if (sent > 0 || !to.blocked) to.since = shared_.clock.now();
  to.blocked = sent < 0 || static_cast<std::uint64_t>(sent) < plan.total();
  if (to.blocked) return progress::blocked;
  return plan.total() < planned ? progress::more : progress::done;
}

// What many get is lent to the outlet.
ssize_t sender::transmit(int descriptor, send_plan& plan) {
  const send_plan::segment* const run = plan.only_run();
  if (run == nullptr || !lend(*run)) return out_.send(descriptor, plan.pieces());
  plan.shorten(lent_.to - lent_.from);
  return out_.send_lent(descriptor, plan.total());
}

// Whether the run is lent, or its beginning is. Lent is what most get, or what a second one in a
// row gets: whoever is alone with what it lacks would pay for a loan and save nothing.
bool sender::lend(const send_plan::segment& run) {
  const room_id place = shared_.truth.members[run.source].room;
  if (place != pass_.place) return false;
  const room_log& log = shared_.truth.rooms[place].log;
  const log_run wanted{place, run.from, run.from + run.length};
  if (lent_.place == place && lent_.from == wanted.from && lent_.to <= wanted.to) return true;
  const kernel::lending_threshold least = out_.worth_lending();
  if (run.length < least.bytes || shared_.links.rooms[place].members < least.connections) {
    return false;
  }
  if (wanted.from != pass_.begin && wanted != last_run_) return false;
  end_loan();
  std::array<iovec, send_plan::pieces_max> pieces;
  const std::size_t count =
      chinwag::lend(log, shared_.truth.chunks, wanted.from, wanted.to, pieces);
  const std::size_t taken = out_.lend(std::span(pieces).first(count));
  // A plan's runs are of whole frames.
  std::uint64_t end = frame_begin(log, shared_.truth.chunks, wanted.from + taken);
  if (planted(fault::loan_ends_in_frame)) end = wanted.from + taken;
  lent_ = {place, wanted.from, std::min(end, wanted.to)};
  if (lent_.to > lent_.from) return true;
  end_loan();
  return false;
}

void sender::end_loan() {
  if (lent_.place == no_id) return;
  out_.end_loan();
  lent_ = {};
}

// A loan of an earlier pass is never taken up: its room may be another one by now.
void sender::begin_pass(room_id place, std::uint64_t begin, std::uint64_t end) {
  end_loan();
  last_run_ = {};
  pass_ = {place, begin, end};
}

void sender::resume_pass(room_id place, std::uint64_t end) {
  if (lent_.place != place) end_loan();
  last_run_ = {};
  pass_ = {place, lent_.place == place ? lent_.from : UINT64_MAX, end};
}

void sender::pause_pass() {
  pass_ = {};
  release_thread();
}

void sender::release_thread() {
  if (lent_.place != no_id) out_.pause_loan();
}

void sender::end_pass() {
  pass_ = {};
  end_loan();
}

// What a closing connection says last, once everything else is out. False when nothing is to come.
bool sender::write_end(connection_id id) {
  connection& to = shared_.truth.connections[id];
  if (to.phase != connection_phase::closing || to.ending) return false;
  invariant(to.open_left == 0);  // the plan was empty
  to.ending = true;
  if (to.close_with == 0) return false;
  const std::string_view reason = to.answers_close ? "" : close_reason(to.close_with);
  std::array<char, control_payload_max> payload{};
  payload[0] = static_cast<char>(to.close_with >> 8);
  payload[1] = static_cast<char>(to.close_with);
  std::copy(reason.begin(), reason.end(), payload.begin() + 2);
  const std::size_t size = to.close_with == close_code::no_status ? 0 : 2 + reason.size();
  outboxes_.buffers_of(id).out.add(opcode::close, {payload.data(), size});
  return true;
}

template <typename Bytes>
std::uint64_t sender::sum_of_members(connection_id id, Bytes bytes_of) const {
  std::uint64_t sum = 0;
  for (member_id at = shared_.links.connections[id].first_member; at != no_id;
       at = shared_.links.members[at].next_of_connection) {
    sum += bytes_of(at);
  }
  return sum;
}

std::uint64_t sender::lag(connection_id id) const {
  return outboxes_.waiting(id) + sum_of_members(id, [this](member_id at) { return lag_of(at); });
}

std::uint64_t sender::behind(connection_id id) const {
  return sum_of_members(id, [this](member_id at) {
    const member& membership = shared_.truth.members[at];
    const room& place = shared_.truth.rooms[membership.room];
    return lag_of(at) > 0 ? place.log.tail - membership.cursor : 0;
  });
}

std::uint64_t sender::kept_for(connection_id id) const {
  if (planted(fault::kept_logs_uncounted)) return lag(id);
  return sum_of_members(id, [this](member_id at) {
    const std::uint64_t lag = lag_of(at);
    return lag > 0 ? std::max(lag, rooms_.kept_for(at)) : 0;
  });
}

std::uint64_t sender::own_lag(connection_id id) const {
  return outboxes_.waiting(id) + sum_of_members(id, [this](member_id at) {
           return rooms_.is_direct(shared_.truth.members[at].room) ? lag_of(at) : 0;
         });
}

std::uint64_t sender::lag_of(member_id id) const {
  const member& membership = shared_.truth.members[id];
  return due_until(membership, shared_.truth.rooms[membership.room]) - membership.cursor;
}

void sender::hold_back_for(connection_id id) {
  const std::uint64_t much = shared_.limits.pending_bytes_max / 8;
  for (member_id at = shared_.links.connections[id].first_member; at != no_id;
       at = shared_.links.members[at].next_of_connection) {
    if (!shared_.truth.members[at].leaving() && lag_of(at) > much) rooms_.hold_back(at);
  }
}

void sender::collect(connection_id id, send_plan& plan) const {
  const connection& to = shared_.truth.connections[id];
  const bool cut = planted(fault::close_in_open_frame) && to.phase == connection_phase::closing;
  if (is_member(to.open_source) && !cut) {
    const member& open = shared_.truth.members[to.open_source];
    plan.add_log(to.open_source, shared_.truth.rooms[open.room].log, shared_.truth.chunks,
                 open.cursor, open.cursor + to.open_left, true);
  }
  if (to.buffers != no_id) {
    const std::string_view waiting = shared_.truth.buffers[to.buffers].out.waiting();
    if (!waiting.empty()) plan.add_bytes(outbox_source, waiting.substr(0, outbox_bytes_per_send));
    // A frame may be cut there: nothing else comes before the rest of it.
    if (waiting.size() > outbox_bytes_per_send) return;
  }
  collect_rooms(id, plan);
}

void sender::collect_rooms(connection_id id, send_plan& plan) const {
  const connection& to = shared_.truth.connections[id];
  std::array<lagging_member, send_plan::pieces_max> lagging;
  std::size_t count = 0;
  for (member_id at = shared_.links.connections[id].first_member;
       at != no_id && count < lagging.size(); at = shared_.links.members[at].next_of_connection) {
    const member& membership = shared_.truth.members[at];
    const std::uint64_t from = membership.cursor + (to.open_source == at ? to.open_left : 0);
    const std::uint64_t until = due_now(id, membership, from);
    if (from < until) lagging[count++] = {at, membership.room, from, until};
  }
  if (count > 1) sort_by_age(std::span(lagging).first(count));
  for (std::size_t i = 0; i < count && !plan.full(); ++i) {
    const lagging_member& one = lagging[i];
    plan.add_log(one.id, shared_.truth.rooms[one.place].log, shared_.truth.chunks, one.from,
                 one.until, false);
  }
}

// The end of what a member gets of a room's log at once. What a pass lends to all members waits for
// the pass: a member that got it earlier, with a message of its own, would get a copy and be out of
// step with the others from then on. A member behind the others gets what the last pass gave, and
// is in step again. Everything goes out before a close frame.
std::uint64_t sender::due_now(connection_id id, const member& membership,
                              std::uint64_t from) const {
  const room_id place = membership.room;
  const std::uint64_t until = due_until(membership, shared_.truth.rooms[place]);
  if (place == pass_.place) return std::min(until, pass_.end);
  const bool closing = shared_.truth.connections[id].phase == connection_phase::closing &&
                       !planted(fault::closed_before_the_loan);
  if (closing || !waits_for_pass(place)) return until;
  // The pass has gone by whom it found blocked, perhaps: nothing else would come for it.
  const bool pass_comes = !shared_.truth.connections[id].blocked;
  if (lent_.place == place && lent_.from == from && pass_comes) return from;
  return std::min(until, std::max(from, shared_.links.rooms[place].passed));
}

// Whether a pass under way has lent something, or the next one will: the log behind the last pass's
// end is the next one's.
bool sender::waits_for_pass(room_id place) const {
  const room_links& links = shared_.links.rooms[place];
  const kernel::lending_threshold least = out_.worth_lending();
  if (links.members < least.connections) return false;
  const std::uint64_t news = shared_.truth.rooms[place].log.tail - links.passed;
  return lent_.place == place || news >= least.bytes;
}

// By when their rooms became dirty. That count wraps: what tells which came first is how long ago
// it was.
void sender::sort_by_age(std::span<lagging_member> lagging) const {
  const auto age = [this](const lagging_member& one) {
    return shared_.links.dirty_count - shared_.links.rooms[one.place].dirty_order;
  };
  std::sort(lagging.begin(), lagging.end(),
            [&](const lagging_member& a, const lagging_member& b) { return age(a) > age(b); });
}

void sender::apply(connection_id id, const send_plan& plan, std::uint64_t sent) {
  connection& to = shared_.truth.connections[id];
  shared_.counts.bytes_out.add(sent);
  for (const send_plan::segment& part : plan.segments()) {
    if (sent == 0) return;
    const std::uint64_t taken = std::min(sent, part.length);
    sent -= taken;
    to.open_left = advance(id, part, taken);
    to.open_source = to.open_left == 0 ? no_source : part.source;
  }
}

// Moves one source past the bytes taken; returns what is left of a frame that is now unfinished.
std::uint32_t sender::advance(connection_id id, const send_plan::segment& part,
                              std::uint64_t taken) {
  if (part.source != outbox_source) return advance_member(part, taken);
  const connection& to = shared_.truth.connections[id];
  const std::uint32_t open = to.open_source == outbox_source ? to.open_left : 0;
  return outboxes_.buffers_of(id).out.sent(taken, open);
}

std::uint32_t sender::advance_member(const send_plan::segment& part, std::uint64_t taken) {
  member& to = shared_.truth.members[part.source];
  const room& place = shared_.truth.rooms[to.room];
  // Who was behind the others may have been the last to need a chunk.
  if (part.from < shared_.links.rooms[to.room].passed) rooms_.mark_dirty(to.room);
  std::uint64_t open = part.length - taken;
  std::uint64_t finished = open == 0 ? 1 : 0;
  if (!part.open && open == 0) {
    finished = frames_in(to.room, part.from, part.from + taken);
  } else if (!part.open) {
    const std::uint64_t position = part.from + taken;
    const frame_walk walk = walk_frames(place.log, shared_.truth.chunks, part.from, position);
    open = walk.end - position;
    finished = walk.frames - (open == 0 ? 0 : 1);
  }
  if (!rooms_.is_direct(to.room)) shared_.counts.deliveries.add(finished);
  to.cursor += taken;
  if (to.cursor >= to.end) rooms_.retire(part.source);
  return static_cast<std::uint32_t>(open);
}

std::uint64_t sender::frames_in(room_id place, std::uint64_t from, std::uint64_t to) {
  if (const log_run run{place, from, to}; run != last_run_) {
    last_run_ = run;
    last_frames_ =
        walk_frames(shared_.truth.rooms[place].log, shared_.truth.chunks, from, to).frames;
  }
  return last_frames_;
}

void sender::skip_to_tails(connection_id id) {
  if (planted(fault::skip_in_open_frame)) {
    shared_.truth.connections[id].open_source = no_source;
    shared_.truth.connections[id].open_left = 0;
  }
  rooms_.adopt_open_frame(id);
  for (member_id at = shared_.links.connections[id].first_member; at != no_id;) {
    const member_id next = shared_.links.members[at].next_of_connection;
    skip_member(at);
    at = next;
  }
}

void sender::drop_pending(connection_id id) {
  if (planted(fault::open_frame_cut)) {
    shared_.truth.connections[id].open_source = no_source;
    shared_.truth.connections[id].open_left = 0;
  }
  rooms_.adopt_open_frame(id);
  const connection& to = shared_.truth.connections[id];
  if (to.buffers != no_id) shared_.truth.buffers[to.buffers].out.keep_only(to.open_left);
  for (member_id at = shared_.links.connections[id].first_member; at != no_id;) {
    const member_id next = shared_.links.members[at].next_of_connection;
    member& membership = shared_.truth.members[at];
    if (membership.leaving()) {
      rooms_.retire(at);
    } else {
      membership.cursor = shared_.truth.rooms[membership.room].log.tail;
    }
    at = next;
  }
}

void sender::skip_member(member_id id) {
  member& late = shared_.truth.members[id];
  const room& place = shared_.truth.rooms[late.room];
  const std::uint64_t to = due_until(late, place);
  if (late.cursor >= to || rooms_.is_direct(late.room)) return;
  const quoted_name name(shared_.truth.names.view(place.name));
  outboxes_.add(late.connection,
                skipped_message(name, std::to_string(late.cursor), std::to_string(to)));
  shared_.counts.skipped_bytes.add(to - late.cursor);
  late.cursor = to;
  rooms_.mark_dirty(late.room);
  if (late.leaving()) rooms_.retire(id);
}

}  // namespace chinwag
