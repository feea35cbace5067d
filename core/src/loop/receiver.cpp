#include "loop/receiver.hpp"

#include <algorithm>
#include <cerrno>

#include "host/kernel.hpp"

namespace chinwag {

namespace {

// Answers and echoes that wait for a connection while more of its messages are served.
constexpr std::size_t outbox_bytes_ample = 256 * 1024;

constexpr std::size_t message_bytes_max = 65'536;  // chat/1 rule F6

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
      buffer_(shared.limits.read_bytes_per_turn + shared.limits.header_bytes_max) {}

void receiver::readable(connection_id id) {
  const connection& from = shared_.truth.connections[id];
  std::size_t kept = 0;
  if (from.buffers != no_id) {
    // An unfinished HTTP header or frame header from before.
    std::string& unread = shared_.truth.buffers[from.buffers].unread;
    kept = unread.size();
    std::copy(unread.begin(), unread.end(), buffer_.begin());
  }
  const std::span<char> room = std::span(buffer_).subspan(kept);
  const std::size_t wanted = std::min<std::size_t>(room.size(), shared_.limits.read_bytes_per_turn);
  const ssize_t got = kernel::receive(from.descriptor, room.first(wanted));
  if (got == -EAGAIN || got == -EINTR) return;
  if (got <= 0) return lifecycle_.break_off(id);
  shared_.counts.bytes_in.add(static_cast<std::uint64_t>(got));
  if (kept > 0) shared_.truth.buffers[from.buffers].unread.clear();
  serve(id, std::span(buffer_).first(kept + static_cast<std::size_t>(got)));
}

void receiver::serve(connection_id id, std::span<char> input) {
  const connection& from = shared_.truth.connections[id];
  while (from.phase == connection_phase::http && !must_wait(id, no_id) && http_.serve(id, input)) {
  }
  if (from.phase == connection_phase::http && must_wait(id, no_id)) pause(id, no_id);
  if (is_websocket(from.phase)) serve_frames(id, input);
  const bool goes_on = from.phase == connection_phase::http || is_websocket(from.phase);
  if (goes_on && !input.empty()) {
    outboxes_.buffers_of(id).unread.assign(input.data(), input.size());
  } else {
    outboxes_.trim(id);
  }
}

void receiver::serve_frames(connection_id id, std::span<char>& input) {
  const connection& from = shared_.truth.connections[id];
  message_reader& reader = reader_of(id);
  const std::uint32_t frames_before = reader.frames();
  const std::size_t limit = from.phase == connection_phase::echo
                                ? std::size_t{shared_.limits.echo_bytes_max}
                                : message_bytes_max;
  while (is_websocket(from.phase)) {
    const inbound got = reader.next(input, limit);
    if (got.what == inbound::kind::nothing) break;
    const room_id published = handle(id, got);
    if (!must_wait(id, published) || !is_websocket(from.phase)) continue;
    pause(id, published);
    break;
  }
  if (reader.frames() != frames_before) {
    shared_.truth.connections[id].heard_at = shared_.clock.now();
  }
  if (&reader == &common_reader_) keep_reader(id);
}

// Serves one message or control frame; returns the room that it was published in.
room_id receiver::handle(connection_id id, const inbound& got) {
  const bool echoes = shared_.truth.connections[id].phase == connection_phase::echo;
  switch (got.what) {
    case inbound::kind::nothing:
    case inbound::kind::pong:
      break;
    case inbound::kind::ping:
      outboxes_.add(id, opcode::pong, got.payload);
      break;
    case inbound::kind::close:
      if (echoes) {
        lifecycle_.answer_close(id, got.code);
      } else {
        requests_.close(id, got.code);
      }
      break;
    case inbound::kind::fault:
      lifecycle_.close(id, got.code);
      break;
    case inbound::kind::binary:
      if (!echoes) {
        lifecycle_.close(id, close_code::unsupported);
        break;
      }
      [[fallthrough]];
    case inbound::kind::text:
      if (echoes) {
        echo(id, got);
        break;
      }
      return requests_.serve(id, got.payload);
  }
  return no_id;
}

void receiver::echo(connection_id id, const inbound& got) {
  outboxes_.add(id, got.what == inbound::kind::text ? opcode::text : opcode::binary, got.payload);
}

bool receiver::must_wait(connection_id id, room_id published) const {
  if (outboxes_.waiting(id) > outbox_bytes_ample || requests_.full(id)) return true;
  return published != no_id && rooms_.is_behind(published);
}

void receiver::pause(connection_id id, room_id published) {
  connection_links& links = shared_.links.connections[id];
  links.reading_paused = true;
  poller_.update(id);
  paused_.push_back({id, links.generation, published});
}

void receiver::resume_paused() {
  std::vector<paused> waiting;
  waiting.swap(paused_);
  for (const paused& one : waiting) {
    connection_links& links = shared_.links.connections[one.id];
    if (links.generation != one.generation || !links.reading_paused) continue;
    if (must_wait(one.id, one.room)) {
      paused_.push_back(one);
      continue;
    }
    links.reading_paused = false;
    shared_.truth.connections[one.id].heard_at = shared_.clock.now();
    poller_.update(one.id);
    std::string unread;
    if (shared_.truth.connections[one.id].buffers != no_id) {
      unread.swap(outboxes_.buffers_of(one.id).unread);
    }
    serve(one.id, unread);
  }
}

message_reader& receiver::reader_of(connection_id id) {
  const buffers_id place = shared_.truth.connections[id].buffers;
  return place == no_id || shared_.truth.buffers[place].reader.idle()
             ? common_reader_
             : shared_.truth.buffers[place].reader;
}

// The common reader is in the middle of a message: it becomes the connection's own.
void receiver::keep_reader(connection_id id) {
  if (common_reader_.idle()) return;
  if (is_websocket(shared_.truth.connections[id].phase)) {
    outboxes_.buffers_of(id).reader = std::move(common_reader_);
  }
  common_reader_ = {};
}

}  // namespace chinwag
