#include "connection.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>

namespace chinwag::load {
namespace {

// Bytes that the socket took; negative when the connection is gone.
ssize_t send_some(int fd, std::string_view bytes) {
  const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
    return 0;
  }
  return count;
}

}  // namespace

connection::~connection() {
  end();
}

connection::connection(connection&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      state_(other.state_),
      awaits_room_(other.awaits_room_),
      counted_(other.counted_),
      lost_step_(other.lost_step_),
      heartbeats_due_(other.heartbeats_due_),
      counted_bytes_(other.counted_bytes_),
      counted_ns_(other.counted_ns_),
      waiting_(std::move(other.waiting_)),
      partial_(std::move(other.partial_)),
      greeting_(std::move(other.greeting_)),
      assembler_(std::move(other.assembler_)) {}

void connection::start(int fd, std::string_view request) {
  fd_ = fd;
  state_ = connection_state::connecting;
  awaits_room_ = true;
  counted_ = false;
  lost_step_ = false;
  heartbeats_due_ = 0;
  counted_bytes_ = 0;
  waiting_ = request;
  assembler_ = {};
}

void connection::end() {
  if (fd_ >= 0) {
    close(fd_);
    fd_ = -1;
    state_ = connection_state::ended;
    std::string().swap(waiting_);
    std::string().swap(partial_);
  }
}

send_status connection::send(std::string_view bytes) {
  if (!waiting_.empty()) {  // the socket is full: `flush` goes on when there is room again
    waiting_.append(bytes);
    return send_status::waiting;
  }
  const ssize_t count = send_some(fd_, bytes);
  if (count < 0) {
    return send_status::gone;
  }
  waiting_.assign(bytes.substr(static_cast<std::size_t>(count)));
  return waiting_.empty() ? send_status::sent : send_status::waiting;
}

send_status connection::flush() {
  const ssize_t count = send_some(fd_, waiting_);
  if (count < 0) {
    return send_status::gone;
  }
  waiting_.erase(0, static_cast<std::size_t>(count));
  return waiting_.empty() ? send_status::sent : send_status::waiting;
}

}  // namespace chinwag::load
