#include "chat_client.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>
#include <utility>

namespace chinwag::test {

int connect_to(std::uint16_t port, int receive_buffer) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{5, 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const int on = 1;  // what a test sends arrives at once
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_buffer > 0) {
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) {
    return descriptor;
  }
  ::close(descriptor);
  return -1;
}

chat_client::chat_client(std::uint16_t port, const std::string& target, int receive_buffer)
    : descriptor_(connect_to(port, receive_buffer)) {
  send_raw("GET " + target +
           " HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  while (unread_.find("\r\n\r\n") == std::string::npos) {
    if (!read_more()) return;
  }
  upgraded_ = unread_.starts_with("HTTP/1.1 101 ");
  unread_.erase(0, unread_.find("\r\n\r\n") + 4);
}

chat_client::~chat_client() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

chat_client::chat_client(chat_client&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      upgraded_(other.upgraded_),
      unread_(std::move(other.unread_)),
      frames_(std::move(other.frames_)),
      next_(other.next_) {}

void chat_client::send_raw(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool chat_client::read_more() {
  std::array<char, 65'536> buffer{};
  const ssize_t got = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
  if (got <= 0) return false;
  unread_.append(buffer.data(), static_cast<std::size_t>(got));
  return true;
}

std::optional<wire_frame> chat_client::receive() {
  while (next_ == frames_.size()) {
    frames_ = take_server_frames(unread_);
    next_ = 0;
    if (frames_.empty() && !read_more()) return std::nullopt;
  }
  return frames_[next_++];
}

std::string chat_client::text() {
  while (const auto frame = receive()) {
    if (frame->code == opcode::text) return frame->payload;
    if (frame->code == opcode::close) return {};
  }
  return {};
}

std::optional<std::uint16_t> chat_client::close_code() {
  while (const auto frame = receive()) {
    if (frame->code != opcode::close) continue;
    if (frame->payload.empty()) return chinwag::close_code::no_status;
    const auto high = static_cast<unsigned char>(frame->payload[0]);
    return static_cast<std::uint16_t>(high << 8 | static_cast<unsigned char>(frame->payload[1]));
  }
  return std::nullopt;
}

bool chat_client::ends() {
  while (read_more()) {
  }
  char byte = 0;
  return ::recv(descriptor_, &byte, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET;
}

std::string http_exchange(std::uint16_t port, std::string_view request) {
  const int descriptor = connect_to(port);
  std::string response;
  std::array<char, 65'536> buffer{};
  ::send(descriptor, request.data(), request.size(), MSG_NOSIGNAL);
  ssize_t got = 0;
  while ((got = ::recv(descriptor, buffer.data(), buffer.size(), 0)) > 0) {
    response.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(descriptor);
  return response;
}

running_server::running_server(options settings, handlers called, std::unique_ptr<backplane> line)
    : engine(
          [&] {
            settings.port = 0;
            return settings;
          }(),
          {}, std::move(called), std::move(line)) {
  port = engine.listen().port;
  EXPECT_TRUE(engine.run_in_background());
}

running_server::~running_server() {
  engine.stop();
  engine.join();
}

void pause() {
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

}  // namespace chinwag::test
