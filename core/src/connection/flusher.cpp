#include "connection/flusher.hpp"

#include <algorithm>

namespace chinwag {

namespace {

constexpr std::uint32_t units_per_visit = 1;
constexpr std::uint32_t units_per_slice = 4;
constexpr std::uint32_t members_settled_per_unit = 32;
constexpr std::size_t light_bytes = 8'192;
// So many members are visited before a room whose slice the turn's end cuts goes to the back of the
// line. Until then it keeps its place, and what is lent for them.
constexpr std::uint32_t visits_in_place = 128;

bool is_served(connection_phase phase) {
  return phase != connection_phase::free && phase != connection_phase::dead &&
         phase != connection_phase::lingering;
}

}  // namespace

// The other half is for those who come after.
work_budget flusher::half_of_what_is_left() const {
  work_budget budget(shared_.clock);
  const std::uint64_t spent_us = shared_.clock.spent_us();
  budget.begin(spent_us + (until_us_ - std::min(spent_us, until_us_)) / 2);
  return budget;
}

void flusher::flush_outboxes() {
  work_budget budget = half_of_what_is_left();
  std::vector<connection_id>& queue = shared_.links.outbox_queue;
  // An answer of a few bytes does not wait behind megabytes that others asked for.
  std::vector<connection_id> large;
  std::size_t done = 0;
  // What follows from a delivery may queue further connections: they are served too.
  for (; done < queue.size() && !budget.spent(); ++done) {
    if (outboxes_.waiting(queue[done]) > light_bytes) {
      large.push_back(queue[done]);
    } else {
      flush_outbox(queue[done], budget);
    }
  }
  queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(done));
  done = 0;
  while (done < large.size() && !budget.spent()) flush_outbox(large[done++], budget);
  queue.insert(queue.begin(), large.begin() + static_cast<std::ptrdiff_t>(done), large.end());
}

void flusher::flush_outbox(connection_id id, work_budget& budget) {
  shared_.links.connections[id].in_outbox_queue = false;
  give(id);
  budget.spend(units_per_visit + sender_.take_work());
}

// One that waits to be sent to again is neither sent to nor judged before its turn comes.
void flusher::give(connection_id id) {
  const connection& to = shared_.truth.connections[id];
  if (!is_served(to.phase) || shared_.links.connections[id].writable) return;
  after_(id, to.blocked ? delivery::blocked : sender_.deliver(id));
}

void flusher::flush_writable() {
  work_budget budget = half_of_what_is_left();
  std::deque<connection_handle>& waiting = shared_.links.writable;
  while (!waiting.empty() && !budget.spent()) {
    const connection_id id = shared_.find(waiting.front());
    waiting.pop_front();
    if (id == no_id) continue;
    shared_.links.connections[id].writable = false;
    const connection& to = shared_.truth.connections[id];
    if (!to.blocked || !is_served(to.phase) || shared_.links.connections[id].peer_gone) continue;
    after_(id, sender_.deliver(id));
    budget.spend(units_per_visit + sender_.take_work());
  }
}

bool flusher::flush_rooms() {
  std::deque<room_id>& queue = shared_.links.dirty_rooms;
  work_budget budget(shared_.clock);
  budget.begin(until_us_);
  for (std::size_t slices = queue.size(); slices > 0 && !queue.empty(); --slices) {
    const room_id id = queue.front();
    queue.pop_front();
    if (pass(id, budget)) {
      sender_.end_pass();
      finish_pass(id);
      budget.spend(shared_.links.rooms[id].members / members_settled_per_unit);
    } else {
      sender_.pause_pass();
      put_back(id);
    }
    if (budget.spend(units_per_slice)) break;
  }
  return queue.empty();
}

void flusher::put_back(room_id id) {
  if (planted(fault::pass_never_resumes)) return;
  std::deque<room_id>& queue = shared_.links.dirty_rooms;
  if (visits_ < std::min(visits_in_place, shared_.limits.sends_per_room_turn)) {
    queue.push_front(id);
  } else {
    queue.push_back(id);
    visits_ = 0;
  }
}

// Serves members from where the last slice ended; true when all were visited.
bool flusher::pass(room_id id, work_budget& budget) {
  room_links& links = shared_.links.rooms[id];
  if (std::exchange(visited_, id) != id || !links.in_pass) visits_ = 0;
  if (links.in_pass) {
    sender_.resume_pass(id, links.passed);
  } else {
    links.in_pass = true;
    links.next_visit = links.first_member;
    const std::uint64_t begin = std::exchange(links.passed, shared_.truth.rooms[id].log.tail);
    sender_.begin_pass(id, begin, links.passed);
  }
  for (; links.next_visit != no_id; ++visits_) {
    if (visits_ >= shared_.limits.sends_per_room_turn) return false;
    if (budget.spent()) return false;
    const member_id at = links.next_visit;
    links.next_visit = shared_.links.members[at].next_in_room;
    visit(at);
    budget.spend(units_per_visit + sender_.take_work());
  }
  return true;
}

void flusher::visit(member_id id) {
  const member& to = shared_.truth.members[id];
  if (to.cursor >= std::min(to.end, shared_.links.rooms[to.room].passed)) return;
  give(to.connection);
}

void flusher::finish_pass(room_id id) {
  shared_.links.rooms[id].in_pass = false;
  shared_.links.rooms[id].dirty = false;
  rooms_.settle(id);
}

}  // namespace chinwag
