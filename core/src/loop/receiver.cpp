#include "loop/receiver.hpp"

#include <algorithm>
#include <cerrno>

#include "host/invariant.hpp"
#include "host/kernel.hpp"

namespace chinwag {

namespace {

// Answers and echoes that wait for a connection while more of its messages are served.
constexpr std::size_t outbox_bytes_ample = 256 * 1024;

constexpr std::size_t message_bytes_max = 65'536;  // chat/1 rule F6

// What a connection is served at a time, in units of work_budget: a frame and each KiB of it are
// one, an HTTP request is many. One read of messages of 1 KiB is served at once: whatever is left
// is copied, and the poller is told twice.
constexpr std::uint32_t share_units = 128;
constexpr std::uint32_t units_per_http_request = 8;
constexpr std::uint32_t bytes_per_unit = 1024;

// Paused connections that are looked at in a turn.
constexpr std::size_t resumes_per_turn = 512;

bool is_websocket(connection_phase phase) {
  return phase == connection_phase::chat || phase == connection_phase::echo;
}

}  // namespace

receiver::receiver(context& shared, outboxes& outboxes, rooms& rooms, lifecycle& lifecycle,
                   poller& poller, requests& requests, http_service& http)
    : shared_(shared),
      outboxes_(outboxes),
      rooms_(rooms),
      lifecycle_(lifecycle),
      poller_(poller),
      requests_(requests),
      http_(http),
      buffer_(std::size_t{shared.limits.read_bytes_per_turn} + shared.limits.header_bytes_max) {}

// What those ask for who do not take what they are sent stands behind what the others ask for: it
// can cost as much as waits for them.
void receiver::input_came(connection_id id) {
  if (!may_read(id)) return;
  if (!shared_.truth.connections[id].blocked || has_unread(id)) return readable(id);
  shared_.postpone(id);
  poller_.update(id);
}

void receiver::readable(connection_id id) {
  if (!may_read(id)) return;
  const connection& from = shared_.truth.connections[id];
  std::size_t kept = 0;
  if (from.buffers != no_id) {
    // An unfinished HTTP header or frame header from before.
    std::string& unread = shared_.truth.buffers[from.buffers].unread;
    kept = unread.size();
    invariant(kept <= shared_.limits.header_bytes_max);
    std::copy(unread.begin(), unread.end(), buffer_.begin());
  }
  const std::span<char> room = std::span(buffer_).subspan(kept);
  const std::size_t wanted = std::min<std::size_t>(room.size(), shared_.limits.read_bytes_per_turn);
  const ssize_t got = kernel::receive(from.descriptor, room.first(wanted));
  note_silence(id, got);
  // Where the peer is gone nothing more comes that the poller would tell of.
  const bool gone = shared_.links.connections[id].peer_gone;
  const bool empty = got == -EAGAIN && !gone;
  if (empty || got == -EINTR) return settle(id);
  if (got <= 0) return end(id, got < 0 || gone);
  shared_.counts.bytes_in.add(static_cast<std::uint64_t>(got));
  if (kept > 0) shared_.truth.buffers[from.buffers].unread.clear();
  std::span<char> input = std::span(buffer_).first(kept + static_cast<std::size_t>(got));
  serve(id, input);
  if (goes_on(id) && !input.empty()) {
    outboxes_.buffers_of(id).unread.assign(input.data(), input.size());
  }
  settle(id);
}

// Whether the look that was to come before a close for silence has found anything.
void receiver::note_silence(connection_id id, ssize_t got) {
  connection_links& links = shared_.links.connections[id];
  if (got == -EINTR) return;
  links.silent = got == -EAGAIN && (links.silent || links.last_look);
  links.last_look = false;
}

// Nothing more comes. What the client asked for before may wait for the program's verdicts; it is
// sent the answers unless it reset the connection.
void receiver::end(connection_id id, bool reset) {
  const bool waits = requests_.outlive(id);
  if (!reset) {
    shared_.truth.connections[id].input_ended = true;
    return waits ? poller_.update(id) : lifecycle_.end_input(id);
  }
  if (!waits) return lifecycle_.break_off(id);
  shared_.links.connections[id].reading_paused = true;
  lifecycle_.peer_gone(id);
}

// What a visit leaves: whether the kernel is to tell of more, and who is to be visited again.
void receiver::settle(connection_id id) {
  outboxes_.trim(id);
  if (shared_.links.connections[id].peer_gone && may_read(id)) shared_.postpone(id);
  // One that closes is read, too: who writes all before it reads would never come to read.
  const connection_phase phase = shared_.truth.connections[id].phase;
  if (phase != connection_phase::dead && phase != connection_phase::free) poller_.update(id);
}

// Whether what the connection has sent may be taken from the kernel now.
bool receiver::may_read(connection_id id) const {
  const connection_links& links = shared_.links.connections[id];
  const connection& from = shared_.truth.connections[id];
  return !links.reading_paused && !links.postponed && !from.input_ended &&
         from.phase != connection_phase::dead;
}

// The poller says nothing of a peer that is gone, and may not yet have said anything of one that is
// about to be closed for silence: what they sent is asked for.
bool receiver::asks_kernel(connection_id id) const {
  return shared_.links.connections[id].peer_gone || shared_.links.connections[id].last_look;
}

bool receiver::has_unread(connection_id id) const {
  const buffers_id place = shared_.truth.connections[id].buffers;
  return place != no_id && !shared_.truth.buffers[place].unread.empty();
}

bool receiver::goes_on(connection_id id) const {
  const connection_phase phase = shared_.truth.connections[id].phase;
  return phase == connection_phase::http || is_websocket(phase);
}

// Serves one share of the input, and leaves the rest in it.
void receiver::serve(connection_id id, std::span<char>& input) {
  const connection& from = shared_.truth.connections[id];
  visit_ = {};
  if (from.phase == connection_phase::http) serve_http(id, input);
  if (is_websocket(from.phase) && may_read(id)) serve_frames(id, input);
  charge(id);
}

void receiver::serve_http(connection_id id, std::span<char>& input) {
  const connection& from = shared_.truth.connections[id];
  while (from.phase == connection_phase::http) {
    if (must_wait(id, no_id)) return pause(id, no_id);
    if (!http_.serve(id, input)) return;
    if (share_is_used(units_per_http_request) && !input.empty()) return shared_.postpone(id);
  }
}

void receiver::serve_frames(connection_id id, std::span<char>& input) {
  // What a single request leads to can be far more than the request.
  if (must_wait(id, no_id)) return pause(id, no_id);
  const connection& from = shared_.truth.connections[id];
  message_reader& reader = reader_of(id);
  const std::uint32_t frames_before = reader.frames();
  const std::size_t limit = from.phase == connection_phase::echo
                                ? std::size_t{shared_.limits.echo_bytes_max}
                                : message_bytes_max;
  while (is_websocket(from.phase) && may_read(id)) {
    const std::size_t bytes_before = input.size();
    const inbound got = reader.next(input, limit);
    const room_id published = handle(id, got);
    const std::size_t bytes = bytes_before - input.size() + outboxes_.take_copied();
    const bool share_used = share_is_used(static_cast<std::uint32_t>(1 + bytes / bytes_per_unit));
    if (got.what == inbound::kind::nothing || !is_websocket(from.phase)) break;
    if (must_wait(id, published)) {
      pause(id, published);
    } else if (share_used && !input.empty()) {
      shared_.postpone(id);
    }
  }
  if (reader.frames() != frames_before && is_websocket(from.phase)) {
    shared_.truth.connections[id].heard_at = shared_.clock.now();
  }
  if (&reader == &common_reader_) keep_reader(id);
}

bool receiver::share_is_used(std::uint32_t units) {
  shared_.reading.spend(units);
  visit_.units += units;
  return visit_.units >= share_units;
}

// Serves one message or control frame; returns the room that it was published in.
room_id receiver::handle(connection_id id, const inbound& got) {
  const bool echoes = shared_.truth.connections[id].phase == connection_phase::echo;
  switch (got.what) {
    case inbound::kind::nothing:
    case inbound::kind::fragment:
    case inbound::kind::pong:
      break;
    case inbound::kind::ping:
      if (!planted(fault::pong_missing)) outboxes_.add(id, opcode::pong, got.payload);
      break;
    case inbound::kind::close:
      close(id, got.code);
      break;
    case inbound::kind::fault:
      fail(id, got.code);
      break;
    case inbound::kind::binary:
      if (!echoes) {
        fail(id, close_code::unsupported);
        break;
      }
      [[fallthrough]];
    case inbound::kind::text:
      if (echoes) {
        echo(id, got);
        break;
      }
      return serve_text(id, got.payload);
  }
  return no_id;
}

room_id receiver::serve_text(connection_id id, std::string_view text) {
  if (++visit_.asked_for.texts == 1 && limits_rates()) {
    visit_.before = rates_.of(shared_.handle_of(id), shared_.clock.now());
  }
  if (over_rate()) {
    requests_.refuse(id, refusal::rate_limited, "too much was asked for in this second");
    return no_id;
  }
  const room_id published = requests_.serve(id, text);
  if (published != no_id) {
    visit_.asked_for.fanout_bytes +=
        std::uint64_t{shared_.links.rooms[published].members} * text.size();
  }
  return published;
}

// The client closes. What it asked for before may wait for the program's verdicts; behind its close
// nothing is served, so nothing is read until the close was answered.
void receiver::close(connection_id id, std::uint16_t code) {
  if (shared_.truth.connections[id].phase == connection_phase::echo) {
    return lifecycle_.answer_close(id, code);
  }
  requests_.close(id, code);
  read_no_more(id);
}

// What it asked for before may wait for the program's verdicts here, too.
void receiver::fail(connection_id id, std::uint16_t code) {
  requests_.fail(id, code);
  read_no_more(id);
}

void receiver::read_no_more(connection_id id) {
  if (!is_websocket(shared_.truth.connections[id].phase)) return;
  shared_.links.connections[id].reading_paused = true;
  poller_.update(id);
}

void receiver::echo(connection_id id, const inbound& got) {
  outboxes_.add(id, got.what == inbound::kind::text ? opcode::text : opcode::binary, got.payload);
}

// Whether the connection has asked for as much as a second allows.
bool receiver::over_rate() const {
  const std::uint64_t texts_max = shared_.limits.requests_per_second_max;
  const std::uint64_t bytes_max = shared_.limits.fanout_bytes_per_second_max;
  const request_rates::use& now = visit_.asked_for;
  const request_rates::use& before = visit_.before;
  return (texts_max != 0 && std::uint64_t{before.texts} + now.texts > texts_max) ||
         (bytes_max != 0 && before.fanout_bytes + now.fanout_bytes >= bytes_max);
}

void receiver::charge(connection_id id) {
  if (visit_.asked_for.texts == 0 || !limits_rates() || !goes_on(id)) return;
  rates_.add(shared_.handle_of(id), shared_.clock.now(), visit_.asked_for);
}

bool receiver::limits_rates() const {
  return shared_.limits.requests_per_second_max != 0 ||
         shared_.limits.fanout_bytes_per_second_max != 0;
}

bool receiver::must_wait(connection_id id, room_id published) const {
  // A peer that is gone takes no answers: its last requests do not wait for that.
  const bool gone = shared_.links.connections[id].peer_gone;
  if (!gone && outboxes_.waiting(id) > outbox_bytes_ample) return true;
  if (requests_.full(id) || http_.waits(id)) return true;
  if (shared_.memory_full()) return true;
  return published != no_id && rooms_.is_behind(published);
}

void receiver::pause(connection_id id, room_id published) {
  shared_.links.connections[id].reading_paused = true;
  poller_.update(id);
  paused_.push_back({shared_.handle_of(id), published});
}

void receiver::resume_paused() {
  for (std::size_t left = std::min(paused_.size(), resumes_per_turn); left > 0; --left) {
    const paused one = paused_.front();
    paused_.pop_front();
    const connection_id id = shared_.find(one.who);
    if (id == no_id || !shared_.links.connections[id].reading_paused) continue;
    if (must_wait(id, one.room)) {
      paused_.push_back(one);
      continue;
    }
    if (planted(fault::resumed_late)) continue;
    shared_.links.connections[id].reading_paused = false;
    lifecycle_.heard(id);
    shared_.postpone(id);
  }
}

void receiver::serve_postponed() {
  rates_.forget_old(shared_.clock.now());
  std::deque<connection_handle>& waiting = shared_.links.postponed;
  while (!waiting.empty() && !shared_.reading.spent()) {
    const connection_id id = shared_.find(waiting.front());
    waiting.pop_front();
    if (id == no_id || !shared_.links.connections[id].postponed) continue;
    shared_.links.connections[id].postponed = false;
    serve_unread(id);
    // A connection with little to do is work, too.
    shared_.reading.spend(1);
  }
}

void receiver::serve_unread(connection_id id) {
  if (!has_unread(id)) {
    const bool told_of = shared_.truth.connections[id].blocked;  // it was put off then
    return asks_kernel(id) || told_of ? readable(id) : settle(id);
  }
  const buffers_id place = shared_.truth.connections[id].buffers;
  // Out of its place: a close that is decided meanwhile forgets what is there.
  std::string unread;
  unread.swap(shared_.truth.buffers[place].unread);
  std::span<char> input(unread);
  serve(id, input);
  const bool needs_more = input.size() == unread.size() && !input.empty();
  if (goes_on(id) && !input.empty()) {
    unread.erase(0, unread.size() - input.size());
    outboxes_.buffers_of(id).unread = std::move(unread);
  }
  if (needs_more && asks_kernel(id) && may_read(id)) return readable(id);
  settle(id);
}

message_reader& receiver::reader_of(connection_id id) {
  const buffers_id place = shared_.truth.connections[id].buffers;
  return place == no_id || shared_.truth.buffers[place].reader.idle()
             ? common_reader_
             : shared_.truth.buffers[place].reader;
}

// If the common reader is in the middle of a message, it becomes the connection's own. The next
// connection gets no memory of an earlier one's message.
void receiver::keep_reader(connection_id id) {
  if (!common_reader_.idle() && is_websocket(shared_.truth.connections[id].phase)) {
    outboxes_.buffers_of(id).reader = std::move(common_reader_);
  }
  renew(common_reader_);
}

}  // namespace chinwag
