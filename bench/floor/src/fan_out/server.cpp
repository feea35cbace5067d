#include "server.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "../sockets.hpp"

namespace chinwag::floor {
namespace {

constexpr std::size_t read_bytes = 256 * 1024;
constexpr std::size_t waiting_bytes_max = 64 << 20;  // then the reader is gone for good
constexpr std::int64_t held_ns_max = 300'000'000;
constexpr std::string_view direct_mark = "direct ";  // no user's name has a blank
constexpr std::string_view ping_payload = "ping";

// chinwag-load sends the key of RFC 6455, section 1.3, whose answer is this.
constexpr std::string_view upgrade_answer =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

std::int64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

std::string timestamp() {
  return std::to_string(clock_ns(CLOCK_REALTIME) / 1'000'000);
}

// Up to the next quote behind `head`: no name or content of chinwag-load has an escape.
std::string_view field(std::string_view text, std::string_view head) {
  const std::size_t at = text.find(head);
  if (at == std::string_view::npos) {
    return {};
  }
  const std::size_t begin = at + head.size();
  return text.substr(begin, text.find('"', begin) - begin);
}

std::string framed(std::string_view payload) {
  std::string out;
  append_frame(out, opcode::text, payload);
  return out;
}

std::string announcement(const char* type, std::string_view room, std::string_view user) {
  return framed(std::string(R"({"type":")") + type + R"(","room":")" + std::string(room) +
                R"(","user":")" + std::string(user) + R"(","timestamp":)" + timestamp() + "}");
}

int listen_on(std::uint16_t port) {
  const int fd = static_cast<int>(
      checked(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"));
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  checked(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address),
          "bind to 127.0.0.1:" + std::to_string(port));
  checked(listen(fd, 4096), "listen");
  return fd;
}

}  // namespace

server::server(const server_options& options)
    : options_(options),
      faults_(options.faults, options.faults_from),
      listener_(listen_on(options.port)),
      poller_(static_cast<int>(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1"))) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  epoll_event wanted{EPOLLIN, {.fd = listener_}};
  checked(epoll_ctl(poller_, EPOLL_CTL_ADD, listener_, &wanted), "epoll_ctl");
}

server::~server() {
  close(poller_);
  close(listener_);
}

void server::run() {
  std::array<epoll_event, 1024> ready{};
  std::int64_t next_ping_ns =
      clock_ns(CLOCK_MONOTONIC) + static_cast<std::int64_t>(options_.ping_s * 1e9);
  for (;;) {
    const int timeout_ms = waiting_rooms_.empty() ? 100 : 1;
    const int count = epoll_wait(poller_, ready.data(), ready.size(), timeout_ms);
    for (int index = 0; index < count; ++index) {
      const epoll_event& event = ready[static_cast<std::size_t>(index)];
      serve(event.data.fd, event.events);
    }
    flush_due();
    const std::int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
    release_held(now_ns);
    if (now_ns >= next_ping_ns) {
      ping_all();
      next_ping_ns += static_cast<std::int64_t>(options_.ping_s * 1e9);
    }
  }
}

void server::serve(int fd, std::uint32_t events) {
  if (fd == listener_) {
    accept_all();
    return;
  }
  const auto found = connections_.find(fd);
  if (found == connections_.end()) {
    return;
  }
  if ((events & EPOLLOUT) != 0) {
    write(found->second, {});
  }
  read(found->second);
  if (found->second.fd < 0) {
    connections_.erase(found);
  }
}

void server::accept_all() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      return;
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event wanted{EPOLLIN, {.fd = fd}};
    checked(epoll_ctl(poller_, EPOLL_CTL_ADD, fd, &wanted), "epoll_ctl");
    connections_[fd].fd = fd;
  }
}

void server::read(connection& from) {
  static std::array<char, read_bytes> bytes;
  const ssize_t count = recv(from.fd, bytes.data(), bytes.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  if (count <= 0) {
    end(from);
    return;
  }
  from.received.append(bytes.data(), static_cast<std::size_t>(count));
  if (from.upgraded) {
    serve_frames(from);
  } else {
    serve_http(from);
  }
}

void server::serve_http(connection& from) {
  const std::size_t head_end = from.received.find("\r\n\r\n");
  if (head_end == std::string::npos) {
    return;
  }
  const std::string request = from.received.substr(0, head_end);
  from.received.erase(0, head_end + 4);
  constexpr std::string_view target = "GET /ws?user=";
  if (!request.starts_with(target)) {
    const std::string body = status();
    const std::string answer =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
        "Content-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    write(from, answer);
    end(from);
    return;
  }
  from.user = request.substr(target.size(), request.find(' ', target.size()) - target.size());
  from.upgraded = true;
  users_[from.user] = from.fd;
  write(from, std::string(upgrade_answer) +
                  framed(R"({"type":"welcome","user":")" + from.user + R"("})"));
}

// Health and what went wrong on purpose, in one answer: who asks for one may ignore the other.
std::string server::status() const {
  const std::string pid = std::to_string(getpid());
  return R"({"status":"ok","implementation":"fan-out","version":"1","pid":)" + pid +
         R"(,"workers":[)" + pid + R"(],"pings":)" + std::to_string(pings_) + R"(,"pongs":)" +
         std::to_string(pongs_) + R"(,"faults":)" + faults_.as_json() + "}\n";
}

void server::serve_frames(connection& from) {
  std::size_t at = 0;
  client_frame frame{};
  while (from.fd >= 0 && take_frame(from.received, at, frame)) {
    switch (frame.op) {
      case opcode::text:
        serve_text(from, frame.payload);
        break;
      case opcode::ping:
        break;
      case opcode::pong:
        pongs_ += frame.payload == ping_payload ? 1 : 0;
        break;
      case opcode::close:
        end(from);
        break;
    }
  }
  from.received.erase(0, at);
}

void server::serve_text(connection& from, std::string_view text) {
  const std::string_view type = field(text, R"({"type":")");
  if (type == "message") {
    publish(from, field(text, R"("room":")"), field(text, R"("content":")"));
  } else if (type == "direct") {
    send_direct(from, std::string(field(text, R"("to":")")), field(text, R"("content":")"));
  } else if (type == "join") {
    join(from, std::string(field(text, R"("room":")")));
  } else if (type == "heartbeat") {
    put(from, framed(R"({"type":"heartbeat","timestamp":)" + timestamp() + "}"));
  }
}

void server::join(connection& who, const std::string& name) {
  room& joined = rooms_[name];
  flush(joined);  // whoever comes gets nothing that was said before
  joined.members.push_back(who.fd);
  who.rooms.push_back(name);
  const std::string said = announcement("user_joined", name, who.user);
  for (const int member : joined.members) {
    put(connections_[member], said);
  }
}

void server::publish(connection& from, std::string_view name, std::string_view content) {
  room& target = rooms_[std::string(name)];
  if (target.frames.empty()) {
    target.since_ns = clock_ns(CLOCK_MONOTONIC);
    waiting_rooms_.push_back(&target);
  }
  std::string payload = R"({"type":"message","room":")";
  payload.append(name).append(R"(","user":")").append(from.user);
  payload.append(R"(","content":")").append(content);
  payload.append(R"(","timestamp":)").append(timestamp()).append("}");
  append_frame(target.pending, opcode::text, payload);
  target.frames.emplace_back(target.pending.size(), std::string(name) + ' ' + from.user);
  if (target.frames.size() >= options_.frames_per_write) {
    flush(target);
  }
}

void server::send_direct(connection& from, const std::string& to, std::string_view content) {
  const auto found = users_.find(to);
  if (found == users_.end()) {
    put(from, framed(R"({"type":"error","code":"no_such_user","message":"nobody"})"));
    return;
  }
  connection& target = connections_[found->second];
  std::string payload = R"({"type":"direct","user":")" + from.user + R"(","content":")";
  payload.append(content).append(R"(","timestamp":)").append(timestamp()).append("}");
  std::string out;
  deliver(target, framed(payload), std::string(direct_mark) + from.user, out);
  put(target, out);
}

void server::flush(room& full) {
  if (full.frames.empty()) {
    return;
  }
  const std::vector<int> members = full.members;
  for (const int member : members) {
    connection& to = connections_[member];
    if (to.held.empty() && !to.is_cut && faults_.pass(full.frames.size())) {
      write(to, full.pending);
      continue;
    }
    std::string out;
    std::size_t begin = 0;
    for (const auto& [frame_end, sender] : full.frames) {
      deliver(to, std::string_view(full.pending).substr(begin, frame_end - begin), sender, out);
      begin = frame_end;
    }
    write(to, out);
  }
  full.pending.clear();
  full.frames.clear();
}

void server::flush_due() {
  const std::int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
  const auto wait_ns = static_cast<std::int64_t>(options_.wait_ms * 1e6);
  std::vector<room*> still;
  for (room* const waiting : waiting_rooms_) {
    if (waiting->frames.empty()) {
      continue;
    }
    if (now_ns - waiting->since_ns >= wait_ns) {
      flush(*waiting);
    } else if (std::find(still.begin(), still.end(), waiting) == still.end()) {
      still.push_back(waiting);
    }
  }
  waiting_rooms_ = std::move(still);
  for (const int fd : outboxes_) {
    const auto found = connections_.find(fd);
    if (found != connections_.end()) {
      const std::string bytes = std::move(found->second.outbox);
      found->second.outbox.clear();
      write(found->second, bytes);
    }
  }
  outboxes_.clear();
}

// One delivery, with what is to go wrong with it.
void server::deliver(connection& to, std::string_view frame, const std::string& sender,
                     std::string& out) {
  if (to.is_cut) {
    return;
  }
  const fault hit = faults_.next();
  const auto overtaken = std::find_if(to.held.begin(), to.held.end(), [&](const held_frame& held) {
    return held.sender == sender;
  });
  // One of each sender: what is released in order must not be behind what has overtaken another.
  if (hit == fault::swap && overtaken == to.held.end()) {
    to.held.push_back({std::string(frame), sender, clock_ns(CLOCK_MONOTONIC)});
    return;
  }
  const std::string who = to.user + (sender.starts_with(direct_mark) ? "/direct" : "/room");
  if (hit != fault::none && hit != fault::swap) {
    faults_.note(hit, who);
  }
  switch (hit) {
    case fault::drop:
      break;
    case fault::duplicate:
      out.append(frame).append(frame);
      break;
    case fault::corrupt:
      out.append(corrupted(frame));
      break;
    case fault::truncate:
      out.append(truncated(frame));
      break;
    case fault::close:  // amid the frame
      out.append(frame.substr(0, frame.size() / 2));
      to.is_cut = true;
      break;
    default:
      out.append(frame);
      break;
  }
  if (overtaken != to.held.end() && hit != fault::drop && hit != fault::truncate && !to.is_cut) {
    out.append(overtaken->bytes);
    faults_.note(fault::swap, who);
    to.held.erase(overtaken);
  }
}

// What nothing overtook goes out in order after all.
void server::release_held(std::int64_t now_ns) {
  if (options_.faults[static_cast<std::size_t>(fault::swap)] == 0) {
    return;
  }
  for (auto& [fd, to] : connections_) {
    while (!to.held.empty() && now_ns - to.held.front().since_ns >= held_ns_max) {
      const std::string bytes = std::move(to.held.front().bytes);
      to.held.pop_front();
      write(to, bytes);
    }
  }
}

void server::put(connection& to, std::string_view bytes) {
  if (to.outbox.empty()) {
    outboxes_.push_back(to.fd);
  }
  to.outbox.append(bytes);
}

void server::write(connection& to, std::string_view bytes) {
  if (to.is_shut) {
    return;
  }
  std::string joined;
  if (!to.waiting.empty()) {
    to.waiting.append(bytes);
    joined = std::move(to.waiting);
    to.waiting.clear();
    bytes = joined;
  }
  const ssize_t count =
      bytes.empty() ? 0 : send(to.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  const std::size_t taken = count > 0 ? static_cast<std::size_t>(count) : 0;
  to.waiting.assign(bytes.substr(taken));
  if (to.is_cut && to.waiting.empty()) {
    to.is_shut = true;
    shutdown(to.fd, SHUT_WR);
  }
  if (to.waiting.size() > waiting_bytes_max) {
    std::string().swap(to.waiting);
    shutdown(to.fd, SHUT_RDWR);
  }
  if (to.writable_awaited != !to.waiting.empty()) {
    to.writable_awaited = !to.waiting.empty();
    epoll_event wanted{EPOLLIN | (to.writable_awaited ? std::uint32_t{EPOLLOUT} : 0),
                       {.fd = to.fd}};
    epoll_ctl(poller_, EPOLL_CTL_MOD, to.fd, &wanted);
  }
}

// The entry goes when nobody refers to it any more: at the end of its event.
void server::end(connection& ended) {
  for (const std::string& name : ended.rooms) {
    room& left = rooms_[name];
    flush(left);
    std::erase(left.members, ended.fd);
    const std::string said = announcement("user_left", name, ended.user);
    for (const int member : left.members) {
      put(connections_[member], said);
    }
  }
  const auto found = users_.find(ended.user);
  if (found != users_.end() && found->second == ended.fd) {
    users_.erase(found);
  }
  close(ended.fd);
  ended.fd = -1;
}

void server::ping_all() {
  std::string ping;
  append_frame(ping, opcode::ping, ping_payload);
  for (auto& [fd, to] : connections_) {
    if (to.upgraded) {
      ++pings_;
      put(to, ping);
    }
  }
}

}  // namespace chinwag::floor
