#include "acceptor.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace chinwag {

namespace {

constexpr std::uint32_t pause_ms = 100;

struct address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

std::optional<address> parse_address(const std::string& host, std::uint16_t port) {
  address parsed;
  auto* four = reinterpret_cast<sockaddr_in*>(&parsed.storage);
  auto* six = reinterpret_cast<sockaddr_in6*>(&parsed.storage);
  if (::inet_pton(AF_INET, host.c_str(), &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    parsed.size = sizeof *four;
    return parsed;
  }
  if (::inet_pton(AF_INET6, host.c_str(), &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    parsed.size = sizeof *six;
    return parsed;
  }
  return std::nullopt;
}

std::uint16_t bound_port(int descriptor) {
  address bound;
  bound.size = sizeof bound.storage;
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound.storage), &bound.size);
  return bound.storage.ss_family == AF_INET6
             ? ntohs(reinterpret_cast<sockaddr_in6*>(&bound.storage)->sin6_port)
             : ntohs(reinterpret_cast<sockaddr_in*>(&bound.storage)->sin_port);
}

error name_of(int number) {
  switch (number) {
    case EADDRINUSE:
      return error::port_in_use;
    case EADDRNOTAVAIL:
      return error::address_unusable;
    case EACCES:
    case EPERM:
      return error::permission_denied;
    case EMFILE:
    case ENFILE:
      return error::no_descriptors;
    case ENOMEM:
    case ENOBUFS:
      return error::out_of_memory;
    default:
      return error::system_failure;
  }
}

status failure(const options& limits, int number) {
  const std::string where = limits.host + ":" + std::to_string(limits.port);
  std::string text = "can't listen on " + where + ": " + std::strerror(number);
  if (number == EADDRINUSE) text += "; stop the other program or choose another port";
  return {name_of(number), text};
}

}  // namespace

acceptor::~acceptor() {
  stop();
}

status acceptor::listen() {
  const auto at = parse_address(shared_.limits.host, shared_.limits.port);
  if (!at) {
    return {error::address_unusable,
            "host is '" + shared_.limits.host + "': give an IP address such as 127.0.0.1 or ::"};
  }
  constexpr int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  descriptor_ = ::socket(at->storage.ss_family, type, 0);
  if (descriptor_ < 0) return failure(shared_.limits, errno);
  const int on = 1;
  ::setsockopt(descriptor_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool listens =
      ::bind(descriptor_, reinterpret_cast<const sockaddr*>(&at->storage), at->size) == 0 &&
      ::listen(descriptor_, static_cast<int>(shared_.limits.listen_backlog)) == 0 &&
      events_.watch(descriptor_, key_);
  if (!listens) {
    const int number = errno;
    stop();
    return failure(shared_.limits, number);
  }
  port_ = bound_port(descriptor_);
  return {};
}

void acceptor::accept_waiting() {
  for (std::uint32_t i = 0; i < shared_.limits.accepts_per_turn; ++i) {
    if (descriptor_ < 0 || !accept_one()) return;
  }
}

// False when nothing more can be accepted now.
bool acceptor::accept_one() {
  const int fresh = ::accept4(descriptor_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fresh < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
    if (errno == ECONNABORTED || errno == EINTR) return true;
    shared_.counts.accept_failures.add();
    pause();
    return false;
  }
  const int on = 1;
  ::setsockopt(fresh, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (life_.open(fresh)) {
    shared_.counts.accepted.add();
    return true;
  }
  shared_.counts.accept_failures.add();
  ::close(fresh);
  return true;
}

void acceptor::pause() {
  paused_ = true;
  paused_at_ = shared_.clock.now();
  events_.unwatch(descriptor_);
}

void acceptor::resume_if_due() {
  if (!paused_ || descriptor_ < 0 || *wait_ms() > 0) return;
  paused_ = false;
  events_.watch(descriptor_, key_);
}

std::optional<std::uint32_t> acceptor::wait_ms() const {
  if (!paused_) return std::nullopt;
  const std::uint32_t elapsed = elapsed_ms(paused_at_, shared_.clock.now());
  return elapsed >= pause_ms ? 0 : pause_ms - elapsed;
}

void acceptor::stop() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
  paused_ = false;
}

}  // namespace chinwag
