#include "fleet.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "centrifugo_reply.hpp"
#include "handshake.hpp"

namespace chinwag::load {
namespace {

constexpr std::size_t read_bytes_per_turn = 256 * 1024;
constexpr std::size_t partial_bytes_max = payload_bytes_max + response_head_bytes_max;
constexpr std::uint32_t input_id = UINT32_MAX;
constexpr std::uint16_t no_close_code = 1005;
constexpr std::uint16_t protocol_error = 1002;

// Connections that are read by length are woken for when so much waits: each read sends an
// acknowledgement, whose way to the server and back is most of its cost. What is less is looked
// after so often. The kernel has room for more, so that no server has to stop for it.
constexpr int counted_bytes_min = 96 * 1024;
constexpr int counted_bytes_room = 256 * 1024;
constexpr std::int64_t sweep_period_ns = 100 * ns_per_ms;
constexpr std::size_t sweeps_per_tick = 16;
constexpr std::size_t count_bytes_max = 64 << 20;
constexpr std::size_t text_head_bytes = 8;
constexpr std::int64_t receiving_ns = 100 * ns_per_ms;

const ending reset{"reset", "the server reset or cut the connection"};
const ending counted_end{"closed", "the server closed the connection while it was read by length"};

void wake_at(int fd, int bytes) {
  setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
}

std::uint16_t close_code_in(std::string_view payload) {
  if (payload.size() < 2) {
    return no_close_code;
  }
  return static_cast<std::uint16_t>(static_cast<std::uint8_t>(payload[0]) << 8 |
                                    static_cast<std::uint8_t>(payload[1]));
}

int error_of(int fd) {
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

}  // namespace

fleet::fleet(std::vector<endpoint> nodes, load::protocol protocol, std::uint64_t seed,
             double heartbeat_s)
    : nodes_(std::move(nodes)),
      protocol_(protocol),
      writer_(seed),
      read_bytes_(partial_bytes_max + read_bytes_per_turn),
      heartbeat_ns_(seconds_to_ns(heartbeat_s)) {}

bool fleet::is_open(std::uint32_t connection) const {
  return connections_[connection].state() == connection_state::open;
}

void fleet::start(std::string_view user, fleet_observer& observer) {
  connections_.emplace_back();
  restart(size() - 1, user, observer);
}

void fleet::restart(std::uint32_t id, std::string_view user, fleet_observer& observer) {
  const endpoint& node = nodes_[id % nodes_.size()];
  const int fd = start_connecting(node, id);
  if (fd < 0) {
    observer.on_end(id, {"refused", connect_error(-fd)});
    return;
  }
  std::string target(dialect().target);
  if (dialect().target_names_user) {
    target.append(user);
  } else if (protocol_ == protocol::engine_io) {
    connections_[id].greeting() = connect_packet(user);
  } else if (protocol_ == protocol::centrifugo) {
    connections_[id].greeting() = connect_commands(user);
  }
  std::string field(dialect().user_field);
  if (!field.empty()) {
    field.append(user);
  }
  connections_[id].start(fd, upgrade_request(node.authority, target, field));
  poller_.add(fd, id, true);
}

void fleet::abandon(std::uint32_t connection, const std::string& why, fleet_observer& observer) {
  end(connection, {"refused", why}, observer);
}

void fleet::cut(std::uint32_t connection) {
  if (is_open(connection)) {
    --open_count_;
    connections_[connection].end();
  }
}

void fleet::send(std::uint32_t connection, std::initializer_list<std::string_view> parts,
                 fleet_observer& observer) {
  send_frame(connection, opcode::text, parts, observer);
}

bool fleet::watch_input(int fd) {
  return poller_.add(fd, input_id, false);
}

std::int64_t fleet::next_due_ns(const fleet_observer& observer) const {
  return std::min({observer.wake_ns, next_heartbeat_ns_, next_sweep_ns_});
}

void fleet::turn(fleet_observer& observer) {
  const std::int64_t now_ns = monotonic_ns();
  tick(observer, now_ns);
  const auto ready = poller_.wait(next_due_ns(observer) - now_ns);
  tick(observer, monotonic_ns());
  for (const epoll_event& event : ready) {
    serve(event.data.u32, event.events, observer);
    tick(observer, monotonic_ns());
  }
}

void fleet::tick(fleet_observer& observer, std::int64_t now_ns) {
  if (now_ns >= observer.wake_ns) {
    observer.on_due(now_ns);
  }
  if (now_ns >= next_heartbeat_ns_) {
    send_heartbeats(observer, now_ns);
  }
  if (now_ns >= next_sweep_ns_) {
    sweep_some(observer, now_ns);
  }
}

// Spread over the period: all at once would be a burst that no profile asked for.
void fleet::send_heartbeats(fleet_observer& observer, std::int64_t now_ns) {
  while (next_heartbeat_ns_ <= now_ns && open_count_ > 0) {
    heartbeat_turn_ = (heartbeat_turn_ + 1) % size();
    const bool spared = spared_ && connections_[heartbeat_turn_].is_counted();
    if (is_open(heartbeat_turn_) && !spared) {
      ++connections_[heartbeat_turn_].heartbeats_due();
      send(heartbeat_turn_, {dialect().heartbeat}, observer);
    }
    next_heartbeat_ns_ += std::max<std::int64_t>(heartbeat_ns_ / size(), 1);
  }
  if (open_count_ == 0) {
    next_heartbeat_ns_ = never_ns;
  }
}

void fleet::serve(std::uint32_t id, std::uint32_t events, fleet_observer& observer) {
  if (id == input_id) {
    observer.on_input();
    return;
  }
  connection& served = connections_[id];
  if (served.state() == connection_state::connecting) {
    finish_connecting(id, observer);
  } else if ((events & EPOLLOUT) != 0 && served.fd() >= 0) {
    settle(id, served.flush(), observer);
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && served.fd() >= 0) {
    read(id, observer);
  }
}

void fleet::finish_connecting(std::uint32_t id, fleet_observer& observer) {
  connection& served = connections_[id];
  const int error = error_of(served.fd());
  if (error != 0) {
    end(id, {"refused", connect_error(error)}, observer);
    return;
  }
  served.connected();
  settle(id, served.flush(), observer);
}

void fleet::read(std::uint32_t id, fleet_observer& observer) {
  connection& served = connections_[id];
  if (served.is_counted()) {
    read_length(id, observer);
    return;
  }
  std::string& partial = served.partial();
  std::copy(partial.begin(), partial.end(), read_bytes_.begin());
  const ssize_t count =
      lag_.read(served.fd(), read_bytes_.data() + partial.size(), read_bytes_per_turn);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  if (count <= 0) {
    end(id, reset, observer);
    return;
  }
  stamped_bytes_ = lag_.stamped_bytes() == 0 ? 0 : partial.size() + lag_.stamped_bytes();
  std::string_view bytes(read_bytes_.data(), partial.size() + static_cast<std::size_t>(count));
  if (served.has_lost_step()) {
    find_step(id, bytes);
  }
  const bool frames = served.state() == connection_state::open ||
                      served.state() == connection_state::greeting || upgrade(id, bytes, observer);
  if (frames && !served.has_lost_step()) {
    take_frames(id, bytes, observer);
  }
  if (served.fd() >= 0) {
    partial.assign(bytes);
  }
}

void fleet::read_length(std::uint32_t id, fleet_observer& observer) {
  connection& served = connections_[id];
  // MSG_TRUNC on TCP: the bytes are dropped where they lie (tcp(7)).
  const ssize_t count = recv(served.fd(), nullptr, count_bytes_max, MSG_TRUNC);
  if (count > 0) {
    last_counted_ns_ = monotonic_ns();
    served.add_counted(static_cast<std::uint64_t>(count), last_counted_ns_);
    counted_bytes_ += static_cast<std::uint64_t>(count);
  } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
    end(id, count == 0 ? counted_end : reset, observer);
  }
}

bool fleet::is_receiving(std::uint32_t id) const {
  return monotonic_ns() - connections_[id].counted_ns() < receiving_ns;
}

bool fleet::count(std::uint32_t id) {
  connection& served = connections_[id];
  if (!served.is_between_messages() || text_head_.empty()) {
    return false;
  }
  served.count(true);
  served.clear_counted();
  wake_at(served.fd(), counted_bytes_room);  // makes the kernel provide for so much
  wake_at(served.fd(), counted_bytes_min);
  counted_.push_back(id);
  ++counting_;
  next_sweep_ns_ = std::min(next_sweep_ns_, monotonic_ns() + sweep_period_ns);
  return true;
}

void fleet::parse(std::uint32_t id, bool in_step) {
  connection& served = connections_[id];
  served.count(false);
  served.lose_step(!in_step);
  if (served.fd() >= 0) {
    wake_at(served.fd(), 1);
  }
  if (--counting_ == 0) {
    counted_.clear();
    next_sweep_ns_ = never_ns;
  }
}

void fleet::sweep(fleet_observer& observer) {
  for (const std::uint32_t id : counted_) {
    if (connections_[id].fd() >= 0) {
      read_length(id, observer);
    }
  }
}

// A few at a time, so that nothing that is to be sent has to wait.
void fleet::sweep_some(fleet_observer& observer, std::int64_t now_ns) {
  const std::size_t count = std::min(sweeps_per_tick, counted_.size());
  for (std::size_t i = 0; i < count; ++i) {
    sweep_turn_ = (sweep_turn_ + 1) % counted_.size();
    const std::uint32_t id = counted_[sweep_turn_];
    if (connections_[id].fd() >= 0) {
      read_length(id, observer);
    }
  }
  const auto steps = static_cast<std::int64_t>((counted_.size() + count - 1) / count);
  next_sweep_ns_ = std::max(next_sweep_ns_, now_ns - sweep_period_ns) + sweep_period_ns / steps;
}

// What can't be told apart is dropped: the end of a frame whose begin was counted.
void fleet::find_step(std::uint32_t id, std::string_view& bytes) {
  const std::size_t at = find_frame(bytes, text_head_);
  const std::size_t kept = std::min(bytes.size(), text_head_bytes + sizeof(std::uint64_t) + 2);
  bytes.remove_prefix(at == std::string_view::npos ? bytes.size() - kept : at);
  connections_[id].lose_step(at == std::string_view::npos);
}

// Answers whether frames come now.
bool fleet::upgrade(std::uint32_t id, std::string_view& bytes, fleet_observer& observer) {
  const upgrade_answer answer = read_upgrade_answer(bytes);
  if (answer.status == upgrade_status::refused) {
    end(id, {"refused", answer.reason}, observer);
  }
  if (answer.status != upgrade_status::accepted) {
    return false;
  }
  bytes.remove_prefix(answer.head_bytes);
  connections_[id].upgraded();
  if (protocol_ == protocol::centrifugo) {
    send(id, {connections_[id].greeting()}, observer);
  } else if (protocol_ != protocol::engine_io) {
    admit(id, observer);
  }
  return connections_[id].fd() >= 0;
}

void fleet::admit(std::uint32_t id, fleet_observer& observer) {
  connections_[id].admitted();
  if (open_count_++ == 0 && heartbeat_ns_ > 0) {
    next_heartbeat_ns_ = monotonic_ns() + heartbeat_ns_ / size();
  }
  observer.on_open(id);
}

void fleet::take_frames(std::uint32_t id, std::string_view& bytes, fleet_observer& observer) {
  const std::int64_t now_ns = monotonic_ns();
  const char* const stamped_end = read_bytes_.data() + stamped_bytes_;
  frame next{};
  parse_status status = take_frame(bytes, next);
  while (status == parse_status::whole) {
    received_ns_ = bytes.data() <= stamped_end ? lag_.stamp_ns() : 0;
    if (!take_message(id, next, now_ns, observer)) {
      break;
    }
    status = take_frame(bytes, next);
  }
  if (status == parse_status::fault) {
    end(id, {std::to_string(protocol_error), "the server sent a broken frame"}, observer);
  }
}

// Answers whether the connection is still there for the next frame.
bool fleet::take_message(std::uint32_t id, frame& frame, std::int64_t now_ns,
                         fleet_observer& observer) {
  switch (connections_[id].assembler().take(frame)) {
    case message_assembler::status::message:
      take_text(id, frame, now_ns, observer);
      break;
    case message_assembler::status::control:
      observer.on_control(id, frame.wire_bytes);
      answer_control(id, frame, observer);
      break;
    case message_assembler::status::fault:
      end(id, {std::to_string(protocol_error), "the server sent a broken fragment"}, observer);
      break;
    case message_assembler::status::unfinished:
      break;
  }
  return connections_[id].fd() >= 0;
}

void fleet::take_text(std::uint32_t id, const frame& frame, std::int64_t now_ns,
                      fleet_observer& observer) {
  if (protocol_ == protocol::engine_io && packet_of(frame.payload) != packet::event) {
    answer_packet(id, frame.payload, observer);
  } else if (protocol_ == protocol::wse && is_wse_ping(frame.payload)) {
    send(id, {wse_pong}, observer);
  } else if (protocol_ == protocol::centrifugo) {
    take_replies(id, frame, now_ns, observer);
  } else {
    if (text_head_.empty()) {
      text_head_ = frame.payload.substr(0, text_head_bytes);
    }
    observer.on_text(id, frame.payload, frame.wire_bytes, now_ns);
  }
}

// The bytes of the frame's head are the first reply's.
void fleet::take_replies(std::uint32_t id, const frame& frame, std::int64_t now_ns,
                         fleet_observer& observer) {
  std::size_t wire_bytes = frame.wire_bytes - frame.payload.size();
  std::string_view rest = frame.payload;
  while (!rest.empty() && connections_[id].fd() >= 0) {
    const std::size_t before = rest.size();
    const std::string_view reply = take_line(rest);
    wire_bytes += before - rest.size();
    take_reply(id, reply, wire_bytes, now_ns, observer);
    wire_bytes = 0;
  }
}

void fleet::take_reply(std::uint32_t id, std::string_view reply, std::size_t wire_bytes,
                       std::int64_t now_ns, fleet_observer& observer) {
  switch (read_centrifugo_reply(reply, reply_text_)) {
    case centrifugo_reply::ping:
      send(id, {centrifugo_pong}, observer);
      break;
    case centrifugo_reply::refused:
      end(id, {"refused", "the server answered " + std::string(reply.substr(0, 80))}, observer);
      break;
    case centrifugo_reply::admitted:
      if (!is_open(id)) {
        admit(id, observer);
        observer.on_text(id, reply_text_, wire_bytes, now_ns);
      }
      break;
    case centrifugo_reply::news:
      observer.on_text(id, reply_text_, wire_bytes, now_ns);
      break;
    case centrifugo_reply::other:
      break;
  }
}

void fleet::answer_packet(std::uint32_t id, std::string_view payload, fleet_observer& observer) {
  switch (packet_of(payload)) {
    case packet::open:
      send(id, {connections_[id].greeting()}, observer);
      break;
    case packet::ping:
      send(id, {pong_packet}, observer);
      break;
    case packet::admitted:
      if (!is_open(id)) {
        admit(id, observer);
      }
      break;
    case packet::refused:
      end(id, {"refused", "the server answered " + std::string(payload.substr(0, 80))}, observer);
      break;
    case packet::dismissed:
      end(id, {"disconnect", "the server disconnected the connection"}, observer);
      break;
    case packet::event:
    case packet::other:
      break;
  }
}

void fleet::answer_control(std::uint32_t id, const frame& frame, fleet_observer& observer) {
  if (frame.op == opcode::ping) {
    send_frame(id, opcode::pong, {frame.payload}, observer);
  } else if (frame.op == opcode::close) {
    const std::string code = std::to_string(close_code_in(frame.payload));
    frame_bytes_.clear();
    writer_.append(frame_bytes_, opcode::close, {frame.payload.substr(0, 2)});
    connections_[id].send(frame_bytes_);
    end(id, {code, "the server closed the connection with " + code}, observer);
  }
}

void fleet::send_frame(std::uint32_t id, opcode op, std::initializer_list<std::string_view> parts,
                       fleet_observer& observer) {
  frame_bytes_.clear();
  writer_.append(frame_bytes_, op, parts);
  settle(id, connections_[id].send(frame_bytes_), observer);
}

void fleet::settle(std::uint32_t id, send_status status, fleet_observer& observer) {
  connection& served = connections_[id];
  if (status == send_status::gone) {
    end(id, reset, observer);
  } else if (served.await_room(status == send_status::waiting)) {
    poller_.change(served.fd(), id, status == send_status::waiting);
  }
}

void fleet::end(std::uint32_t id, const ending& why, fleet_observer& observer) {
  connection& ended = connections_[id];
  if (ended.state() == connection_state::open) {
    --open_count_;
    ended.end();
    observer.on_end(id, why);
  } else if (ended.fd() >= 0) {
    ended.end();
    observer.on_end(id, {"refused", why.text});
  }
}

}  // namespace chinwag::load
