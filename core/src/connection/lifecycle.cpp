#include "connection/lifecycle.hpp"

#include <algorithm>

#include "host/invariant.hpp"
#include "host/kernel.hpp"

namespace chinwag {

namespace {

bool is_open(connection_phase phase) {
  return phase == connection_phase::http || phase == connection_phase::chat ||
         phase == connection_phase::echo;
}

// How many connections a drain begins to close before it looks at the clock.
constexpr std::uint32_t closes_per_look = 64;
constexpr std::uint32_t units_per_removal = 32;

// Connections that were accepted together would be pinged together for life: their first ping comes
// up to a sixteenth of the interval early, so that ten thousand are spread over two seconds.
std::uint32_t ping_advance_ms(connection_id id, std::uint32_t interval_ms) {
  return (id * 2'654'435'769U >> 16) * (interval_ms / 16) >> 16;
}

bool may_follow(connection_phase from, connection_phase to) {
  switch (to) {
    case connection_phase::free:
      return from == connection_phase::dead || from == connection_phase::http;
    case connection_phase::http:
      return from == connection_phase::free;
    case connection_phase::chat:
    case connection_phase::echo:
      return from == connection_phase::http;
    case connection_phase::closing:
      return is_open(from);
    case connection_phase::lingering:
      return from == connection_phase::closing;
    case connection_phase::dead:
      return from != connection_phase::free && from != connection_phase::dead;
  }
  return false;
}

}  // namespace

// The one place where a connection's phase changes.
void lifecycle::enter(connection_id id, connection_phase next) {
  connection& of = shared_.truth.connections[id];
  invariant(may_follow(of.phase, next));
  of.phase = next;
}

connection_id lifecycle::take_place() {
  const connection_id id = shared_.truth.connections.add();
  shared_.links.connections.reset(id);
  shared_.links.connections[id].generation = ++shared_.links.generations;
  return id;
}

connection_id lifecycle::open(int descriptor) {
  const connection_id id = take_place();
  shared_.links.connections[id].pinged_at =
      shared_.clock.now() - ping_advance_ms(id, shared_.limits.ping_interval_ms);
  connection& fresh = shared_.truth.connections[id];
  fresh.descriptor = descriptor;
  enter(id, connection_phase::http);
  fresh.heard_at = shared_.clock.now();
  fresh.since = shared_.clock.now();
  shared_.counts.connections.set(live());
  if (!poller_.add(id)) {
    enter(id, connection_phase::free);
    shared_.truth.connections.remove(id);
    shared_.counts.connections.set(live());
    return no_id;
  }
  arm(id);
  return id;
}

// Settings may be others than the predecessor's. Who was silent for longer than is allowed now is
// asked for a sign of life first, as anybody is.
std::uint32_t lifecycle::heard_within_limits(std::uint32_t heard_ms) const {
  const options& limits = shared_.limits;
  return heard_ms < limits.idle_timeout_ms ? heard_ms : std::min(heard_ms, limits.ping_interval_ms);
}

connection_id lifecycle::inherit(const inherited_connection& was) {
  if (was.phase == connection_phase::free || was.phase >= connection_phase::dead) return no_id;
  const tick_ms now = shared_.clock.now();
  const connection_id id = take_place();
  shared_.links.connections[id].pinged_at = now - was.pinged_ms;
  connection& of = shared_.truth.connections[id];
  of.descriptor = was.descriptor;
  of.phase = was.phase;
  of.close_with = was.close_with;
  of.http_requests = was.http_requests;
  of.blocked = was.blocked;
  of.ending = was.ending;
  of.answers_close = was.answers_close;
  of.input_ended = was.input_ended;
  of.heard_at = now - heard_within_limits(was.heard_ms);
  of.since = now - was.since_ms;
  of.open_left = was.open_left;
  of.open_source = was.open_left > 0 ? outbox_source : no_source;
  shared_.counts.connections.set(live());
  if (!was.is_watched && !poller_.add(id)) return no_id;
  if (shared_.limits.connections_per_address_max != 0) {
    shared_.links.addresses.add(id, kernel::peer_of(of.descriptor));
  }
  if (!was.user.empty()) users_.add(id, was.user);
  return id;
}

// What it sent lies in its buffer or in the socket, and what it is to be sent waits: both are
// looked at once, as the queues that they stood in are gone.
void lifecycle::go_on(connection_id id) {
  const connection& of = shared_.truth.connections[id];
  const bool unread = of.buffers != no_id && !shared_.truth.buffers[of.buffers].unread.empty();
  if (unread && is_open(of.phase)) shared_.postpone(id);
  poller_.update(id);
  // What rooms owe it comes with the rooms.
  if (outboxes_.waiting(id) > 0 || of.ending || !is_open(of.phase)) outboxes_.queue(id);
  arm(id);
}

void lifecycle::begin_chat(connection_id id, std::string_view user) {
  users_.add(id, user);
  const room_id direct = rooms_.find_direct(user);
  if (direct != no_id) rooms_.join_direct(id, direct);
  enter(id, connection_phase::chat);
  shared_.truth.connections[id].heard_at = shared_.clock.now();
  shared_.counts.upgrades.add();
  arm(id);
  program_.opened(shared_.handle_of(id), user);
}

void lifecycle::begin_echo(connection_id id) {
  enter(id, connection_phase::echo);
  shared_.truth.connections[id].heard_at = shared_.clock.now();
  shared_.counts.upgrades.add();
  arm(id);
}

void lifecycle::close(connection_id id, std::uint16_t code) {
  if (is_open(shared_.truth.connections[id].phase)) begin_closing(id, code);
}

void lifecycle::answer_close(connection_id id, std::uint16_t code) {
  if (!is_open(shared_.truth.connections[id].phase)) return;
  shared_.truth.connections[id].answers_close = true;
  begin_closing(id, code);
}

void lifecycle::finish_http(connection_id id) {
  begin_closing(id, 0);
}

void lifecycle::begin_closing(connection_id id, std::uint16_t code) {
  connection& over = shared_.truth.connections[id];
  enter(id, connection_phase::closing);
  over.close_with = code;
  over.since = shared_.clock.now();
  over.heard_at = shared_.clock.now();  // nothing it sends is heard any more: the close began
  if (code != 0) shared_.counts.count_close(code);
  end_chat(id, code == 0 ? close_code::broken_off : code);
  forget_input(id);
  if (shared_.links.connections[id].peer_gone) return break_off(id);
  poller_.update(id);
  outboxes_.queue(id);
  arm(id);
}

// Once for every connection that chatted: its rooms, its user's other connections and the program
// learn that it is gone.
void lifecycle::end_chat(connection_id id, std::uint16_t code) {
  const bool silent = draining_ && !planted(fault::drain_announces);
  rooms_.leave_all(id, silent ? rooms::farewell::silent : rooms::farewell::announced);
  const stored_name user = shared_.truth.connections[id].user;
  if (user.size == 0) return;
  sender_.release_thread();
  program_.closed(shared_.handle_of(id), shared_.truth.names.view(user), code);
  users_.remove(id);
}

// Nothing that it sent is served any more. What a paused connection left unread can be far more
// than the header that receiver has room for when it reads on, to find the client's end.
void lifecycle::forget_input(connection_id id) {
  shared_.links.connections[id].reading_paused = false;
  shared_.links.connections[id].postponed = false;
  const buffers_id place = shared_.truth.connections[id].buffers;
  if (place == no_id) return;
  connection_buffers& kept = shared_.truth.buffers[place];
  renew(kept.unread);
  renew(kept.reader);
  if (kept.held) shared_.links.held_bytes -= kept.held->bytes();
  kept.held.reset();
  outboxes_.trim(id);
}

void lifecycle::break_off(connection_id id) {
  const connection_phase phase = shared_.truth.connections[id].phase;
  if (phase == connection_phase::dead || phase == connection_phase::free) return;
  enter(id, connection_phase::dead);
  shared_.links.dead.push_back(id);
}

// Who shut its side may read on, and one that closed its socket can't be told from it before
// something is sent. No close was asked for, so no close frame comes: the end follows what waits.
void lifecycle::end_input(connection_id id) {
  connection& over = shared_.truth.connections[id];
  over.input_ended = true;
  if (shared_.links.connections[id].peer_gone) return break_off(id);
  if (over.phase == connection_phase::closing) return poller_.update(id);
  const bool waits = is_open(over.phase) && sender_.lag(id) > 0;
  if (!waits || planted(fault::end_drops_pending)) return break_off(id);
  begin_closing(id, 0);
}

// The client reset the connection. What it sent before lies in the socket still, and is served
// before the end is acted on; nothing can be sent to it.
void lifecycle::peer_gone(connection_id id) {
  connection& gone = shared_.truth.connections[id];
  connection_links& links = shared_.links.connections[id];
  if (links.peer_gone) return;
  if (!is_open(gone.phase) || planted(fault::input_before_reset_lost)) return break_off(id);
  links.peer_gone = true;
  gone.blocked = true;
  poller_.forget(id);
  if (!links.reading_paused && !gone.input_ended) shared_.postpone(id);
}

void lifecycle::heard(connection_id id) {
  shared_.truth.connections[id].heard_at = shared_.clock.now();
  shared_.links.connections[id].silent = false;
  arm(id);
}

void lifecycle::after_delivery(connection_id id, delivery outcome) {
  const connection_phase phase = shared_.truth.connections[id].phase;
  if (phase == connection_phase::dead || shared_.links.connections[id].peer_gone) return;
  switch (outcome) {
    case delivery::broken:
      return peer_gone(id);
    case delivery::finished:
      if (phase == connection_phase::closing) begin_lingering(id);
      break;
    case delivery::blocked:
      judge(id);
      outboxes_.trim(id);
      if (!shared_.links.connections[id].watches_write) arm(id);
      break;
    case delivery::idle:
      outboxes_.trim(id);
      break;
  }
  poller_.update(id);
}

// Too much waits for a connection whose buffer is full.
void lifecycle::judge(connection_id id) {
  const connection& slow = shared_.truth.connections[id];
  if (slow.phase == connection_phase::closing) {
    // What was due before the close keeps the rooms' logs from there on.
    if (sender_.behind(id) > shared_.limits.pending_bytes_max) sender_.drop_pending(id);
    return;
  }
  if (slow.phase != connection_phase::chat) return;
  const std::uint64_t lag = sender_.lag(id);
  const std::uint64_t limit = shared_.limits.pending_bytes_max;
  if (lag <= limit) {
    // A connection that takes nothing at all holds nobody back.
    constexpr std::uint32_t progress_ms = 100;
    const bool progresses = elapsed_ms(slow.since, shared_.clock.now()) < progress_ms;
    if (lag > limit / 2 && progresses) sender_.hold_back_for(id);
    return;
  }
  const bool own_too_long = sender_.own_lag(id) > limit;
  if (shared_.limits.slow_consumer == slow_consumer_policy::skip && !own_too_long) {
    shared_.counts.slow_consumers.add();
    sender_.skip_to_tails(id);
    return;
  }
  slow_consumer(id);
}

void lifecycle::slow_consumer(connection_id id) {
  shared_.counts.slow_consumers.add();
  sender_.drop_pending(id);
  begin_closing(id, close_code::try_later);
}

// Everything is out. Our side is shut, so that the client sees the end behind the close frame; what
// it still sends is read and dropped, since a reset would overtake the close frame. Where its end
// has come nothing is left to wait for.
void lifecycle::begin_lingering(connection_id id) {
  connection& over = shared_.truth.connections[id];
  if (over.input_ended) return break_off(id);
  enter(id, connection_phase::lingering);
  over.since = shared_.clock.now();
  kernel::shutdown_write(over.descriptor);
  outboxes_.trim(id);
  arm(id);
}

void lifecycle::run_timers(work_budget& budget) {
  constexpr std::uint32_t units_per_timer = 4;
  timers_.expire(
      shared_.clock.now(), [this](connection_id id) { check(id); },
      [&budget] { return budget.spend(units_per_timer); });
}

void lifecycle::check(connection_id id) {
  const connection& due = shared_.truth.connections[id];
  const connection_phase phase = due.phase;
  switch (phase) {
    case connection_phase::free:
    case connection_phase::dead:
      return;
    case connection_phase::chat:
    case connection_phase::echo:
      check_chat(id);
      break;
    case connection_phase::http:
      if (until(due.since, shared_.limits.handshake_timeout_ms) == 0) break_off(id);
      break;
    case connection_phase::closing:
    case connection_phase::lingering:
      if (is_taking(id) && until(due.heard_at, shared_.limits.close_total_timeout_ms) > 0) break;
      if (close_wait_ms(due) > 0) break;
      if (due.phase == connection_phase::closing) kernel::reset(due.descriptor);
      break_off(id);
      break;
  }
  arm(id);
}

void lifecycle::check_chat(connection_id id) {
  const connection& due = shared_.truth.connections[id];
  connection_links& links = shared_.links.connections[id];
  if (links.peer_gone) {
    // What it asked for may wait for the program, which has as long as a silent client would.
    if (until(due.heard_at, shared_.limits.idle_timeout_ms) == 0) break_off(id);
    return;
  }
  outboxes_.trim(id);
  if (is_stalled(id)) return slow_consumer(id);
  if (due.input_ended && until(due.heard_at, shared_.limits.idle_timeout_ms) == 0) {
    return end_input(id);
  }
  // A connection that is not read from can't be heard.
  if (!links.reading_paused && !links.postponed && !planted(fault::silent_stay) &&
      until(due.heard_at, shared_.limits.idle_timeout_ms) == 0) {
    if (links.silent || planted(fault::pause_is_silence)) return close(id, close_code::going_away);
    links.last_look = true;  // L8: what it may have sent meanwhile is read before
    return shared_.postpone(id);
  }
  if (until(links.pinged_at, shared_.limits.ping_interval_ms) > 0) return;
  links.pinged_at = shared_.clock.now();
  // Also where the buffer is full: who reads slowly, and only reads, has nothing else to answer.
  if (!planted(fault::pings_missing)) outboxes_.add(id, opcode::ping, {});
}

bool lifecycle::is_stalled(connection_id id) {
  const connection& due = shared_.truth.connections[id];
  // One that waits to be sent to takes something again.
  if (shared_.links.connections[id].writable) return false;
  return !is_taking(id) && due.blocked && until(due.since, shared_.limits.stall_timeout_ms) == 0;
}

// Whether a blocked connection has taken something since it was looked at last, or may have: then
// its time begins anew. The first look is the one that the next ones are compared with.
bool lifecycle::is_taking(connection_id id) {
  connection& of = shared_.truth.connections[id];
  if (!of.blocked) {
    looks_.erase(id);
    return false;
  }
  const std::size_t untaken = kernel::untaken(of.descriptor);
  const auto [place, is_new] = looks_.try_emplace(id);
  look& last = place->second;
  const bool is_first = is_new || last.since != of.since;
  const bool is_taking = is_first || untaken < last.untaken;
  if (is_taking && !is_first) of.since = shared_.clock.now();
  last = {untaken, shared_.clock.now(), of.since};
  return is_taking;
}

// Four looks in the time that a connection has: what it takes is seen soon enough.
std::uint32_t lifecycle::next_look_ms(connection_id id, std::uint32_t limit_ms) const {
  const connection& of = shared_.truth.connections[id];
  const auto last = looks_.find(id);
  const bool was_looked_at = last != looks_.end() && last->second.since == of.since;
  return until(was_looked_at ? last->second.at : of.since, std::max(1U, limit_ms / 4));
}

// Sets the connection's one timer to the earliest of its deadlines.
void lifecycle::arm(connection_id id) {
  const connection& of = shared_.truth.connections[id];
  const connection_links& links = shared_.links.connections[id];
  std::uint32_t wait_ms = 0;
  const connection_phase phase = of.phase;
  switch (phase) {
    case connection_phase::free:
    case connection_phase::dead:
      return timers_.disarm(id);
    case connection_phase::http:
      wait_ms = until(of.since, shared_.limits.handshake_timeout_ms);
      break;
    case connection_phase::closing:
    case connection_phase::lingering:
      wait_ms = close_wait_ms(of);
      if (of.blocked) {
        wait_ms = std::min(wait_ms, next_look_ms(id, shared_.limits.close_timeout_ms));
      }
      break;
    case connection_phase::chat:
    case connection_phase::echo:
      wait_ms = until(links.pinged_at, shared_.limits.ping_interval_ms);
      if (!links.reading_paused) {
        wait_ms = std::min(wait_ms, until(of.heard_at, shared_.limits.idle_timeout_ms));
      }
      if (of.blocked && !links.peer_gone) {
        wait_ms = std::min(wait_ms, next_look_ms(id, shared_.limits.stall_timeout_ms));
      }
      break;
  }
  timers_.arm(id, shared_.clock.now(), wait_ms);
}

// A close may take as long as it makes progress, and not for ever.
std::uint32_t lifecycle::close_wait_ms(const connection& over) const {
  return std::min(until(over.since, shared_.limits.close_timeout_ms),
                  until(over.heard_at, shared_.limits.close_total_timeout_ms));
}

std::uint32_t lifecycle::until(tick_ms since, std::uint32_t limit_ms) const {
  const std::uint32_t elapsed = elapsed_ms(since, shared_.clock.now());
  return elapsed >= limit_ms ? 0 : limit_ms - elapsed;
}

void lifecycle::reap(work_budget& budget) {
  std::vector<connection_id>& dead = shared_.links.dead;
  std::size_t done = 0;
  while (done < dead.size() && !budget.spend(units_per_removal)) remove(dead[done++]);
  if (planted(fault::removed_twice)) return;
  dead.erase(dead.begin(), dead.begin() + static_cast<std::ptrdiff_t>(done));
}

void lifecycle::remove(connection_id id) {
  // Nothing is due to it any more, a frame that has begun included.
  connection& gone = shared_.truth.connections[id];
  gone.open_left = 0;
  gone.open_source = no_source;
  sender_.drop_pending(id);
  end_chat(id, close_code::broken_off);
  forget_input(id);
  timers_.disarm(id);
  looks_.erase(id);
  if (!planted(fault::buffers_leak)) outboxes_.drop(id);
  poller_.close(id);
  shared_.links.addresses.remove(id);
  enter(id, connection_phase::free);
  shared_.truth.connections.remove(id);
  shared_.counts.connections.set(live());
}

void lifecycle::begin_drain() {
  draining_ = true;
  next_to_drain_ = 0;
}

void lifecycle::drain(work_budget& budget) {
  while (next_to_drain_ < shared_.truth.connections.size()) {
    const connection_id id = next_to_drain_++;
    if (shared_.truth.connections[id].phase == connection_phase::http) break_off(id);
    close(id, close_code::restart);
    if (next_to_drain_ % closes_per_look == 0 && budget.spend(closes_per_look)) return;
  }
}

// Closes those who hold more than half of an even share, a part of all connections in each turn.
// Where nobody does, half as much is too much, and so on: somebody holds what keeps memory scarce.
void lifecycle::relieve_memory(work_budget& budget) {
  if (relief_.looks == 0) begin_relief();
  while (relief_.looks > 0) {
    --relief_.looks;
    if (relief_.next >= shared_.truth.connections.size()) relief_.next = 0;
    const connection_id id = relief_.next++;
    if (holds(id) > relief_.bytes_max) {
      give_way(id);
      relief_.since = shared_.clock.now();
    }
    if (budget.spend(1 + shared_.links.connections[id].rooms) || !shared_.memory_scarce()) return;
  }
}

// What those who gave way held in rooms is free only once the rooms were passed over.
void lifecycle::begin_relief() {
  constexpr std::uint32_t patience_ms = 10;
  const std::uint64_t share = shared_.limits.memory_bytes_max / std::max(1U, live());
  if (relief_.bytes_max == UINT64_MAX) {
    relief_.bytes_max = share / 2;
    relief_.since = shared_.clock.now();
  } else if (elapsed_ms(relief_.since, shared_.clock.now()) >= patience_ms) {
    relief_.bytes_max /= 2;
    relief_.since = shared_.clock.now();
  }
  relief_.looks = shared_.truth.connections.size();
}

void lifecycle::end_relief() {
  relief_.looks = 0;
  relief_.bytes_max = UINT64_MAX;
}

// Bytes that are kept for the connection.
std::uint64_t lifecycle::holds(connection_id id) const {
  const connection& of = shared_.truth.connections[id];
  if (!is_open(of.phase) && of.phase != connection_phase::closing) return 0;
  const std::uint64_t own = of.buffers == no_id ? 0 : shared_.truth.buffers[of.buffers].bytes();
  return own + (of.blocked ? sender_.kept_for(id) : 0);
}

void lifecycle::give_way(connection_id id) {
  const connection& of = shared_.truth.connections[id];
  if (of.phase == connection_phase::chat || of.phase == connection_phase::echo) {
    return slow_consumer(id);
  }
  if (of.phase == connection_phase::closing) kernel::reset(of.descriptor);
  break_off(id);
}

void lifecycle::end_all() {
  draining_ = true;
  for (connection_id id = 0; id < shared_.truth.connections.size(); ++id) break_off(id);
  reap_all();
}

void lifecycle::reap_all() {
  work_budget unlimited(shared_.clock);
  unlimited.begin(UINT64_MAX);
  reap(unlimited);
}

}  // namespace chinwag
