#include "host/kernel.hpp"

#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

#include "wire/text.hpp"

namespace chinwag::kernel {

namespace {

// What may lie unsent in the kernel for one connection. Without a bound the kernel copies megabytes
// for a slow member, and its lag shows late.
constexpr int unsent_bytes_max = 128 * 1024;

using address_list = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

std::uint16_t bound_port(int descriptor) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size);
  return bound.ss_family == AF_INET6 ? ntohs(reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port)
                                     : ntohs(reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
}

error name_of(int number) {
  switch (number) {
    case EADDRINUSE:
      return error::port_in_use;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
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

listening failure(const std::string& host, std::uint16_t port, int number) {
  std::string text = "can't listen on " + authority_of(host, port) + ": " + std::strerror(number);
  if (number == EADDRINUSE) text += "; stop the other program or choose another port";
  if (number == EADDRNOTAVAIL) text += "; give an address of this machine";
  return {.outcome = {name_of(number), text}};
}

bool is_loopback(const addrinfo& at) {
  if (at.ai_family == AF_INET) {
    const in_addr to = reinterpret_cast<const sockaddr_in*>(at.ai_addr)->sin_addr;
    return ntohl(to.s_addr) >> 24 == IN_LOOPBACKNET;
  }
  if (at.ai_family != AF_INET6) return false;
  const in6_addr& to = reinterpret_cast<const sockaddr_in6*>(at.ai_addr)->sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&to) != 0 ||
         (IN6_IS_ADDR_V4MAPPED(&to) != 0 && to.s6_addr[12] == IN_LOOPBACKNET);
}

// BBR spaces out what a connection sends, by a timer for each. Between processes of one machine, a
// proxy and its server, there is no link to share, and the timers cost a quarter of all CPU time.
// Accepted connections have their listener's congestion control from their first packet on.
void do_not_pace(int listener) {
  std::array<char, 16> control{};  // TCP_CA_NAME_MAX
  socklen_t size = control.size();
  if (::getsockopt(listener, IPPROTO_TCP, TCP_CONGESTION, control.data(), &size) != 0) return;
  if (!std::string_view(control.data()).starts_with("bbr")) return;
  constexpr std::string_view unpaced = "reno";  // no kernel is without it
  ::setsockopt(listener, IPPROTO_TCP, TCP_CONGESTION, unpaced.data(), unpaced.size());
}

// Binds and listens on one address; a negative errno if that fails.
int listen_at(const addrinfo& at, std::uint32_t backlog) {
  const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const int descriptor = ::socket(at.ai_family, type, 0);
  if (descriptor < 0) return -errno;
  const int on = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (is_loopback(at)) do_not_pace(descriptor);
  if (::bind(descriptor, at.ai_addr, at.ai_addrlen) == 0 &&
      ::listen(descriptor, static_cast<int>(backlog)) == 0) {
    return descriptor;
  }
  const int number = errno;
  ::close(descriptor);
  return -number;
}

std::uint32_t epoll_bits(std::uint32_t what) {
  return ((what & readable) != 0 ? static_cast<std::uint32_t>(EPOLLIN) : 0U) |
         ((what & writable) != 0 ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
}

std::uint32_t event_bits(std::uint32_t from) {
  constexpr auto broken_bits = static_cast<std::uint32_t>(EPOLLERR | EPOLLHUP);
  return ((from & static_cast<std::uint32_t>(EPOLLIN)) != 0 ? readable : 0) |
         ((from & static_cast<std::uint32_t>(EPOLLOUT)) != 0 ? writable : 0) |
         ((from & broken_bits) != 0 ? broken : 0);
}

peer_address as_ipv6(const sockaddr_storage& from) {
  peer_address peer{};
  if (from.ss_family == AF_INET6) {
    std::memcpy(peer.data(), &reinterpret_cast<const sockaddr_in6*>(&from)->sin6_addr, 16);
  } else if (from.ss_family == AF_INET) {
    // As IPv6 writes IPv4 addresses (RFC 4291, 2.5.5.2).
    peer[10] = peer[11] = 0xFF;
    std::memcpy(peer.data() + 12, &reinterpret_cast<const sockaddr_in*>(&from)->sin_addr, 4);
  }
  return peer;
}

bool control(int poller, int operation, int descriptor, std::uint64_t key, std::uint32_t what) {
  epoll_event asked{};
  asked.events = epoll_bits(what);
  asked.data.u64 = key;
  return ::epoll_ctl(poller, operation, descriptor, &asked) == 0;
}

}  // namespace

listening listen(const std::string& host, std::uint16_t port, std::uint32_t backlog) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string service = std::to_string(port);
  const int problem = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &found);
  if (problem != 0) {
    return {.outcome = {error::address_unusable,
                        "host '" + host + "' names no address (" + ::gai_strerror(problem) +
                            "): give one of this machine, such as 127.0.0.1, :: or localhost"}};
  }
  const address_list addresses(found, &::freeaddrinfo);
  int first_failure = 0;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    const int outcome = listen_at(*at, backlog);
    if (outcome >= 0) return {.outcome = {}, .descriptor = outcome, .port = bound_port(outcome)};
    if (first_failure == 0) first_failure = -outcome;
  }
  return failure(host, port, first_failure);
}

int accept(int listener, peer_address& peer) {
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  const int fresh =
      ::accept4(listener, reinterpret_cast<sockaddr*>(&from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fresh < 0) return -errno;
  peer = as_ipv6(from);
  const int on = 1;
  ::setsockopt(fresh, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fresh, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_bytes_max, sizeof unsent_bytes_max);
  return fresh;
}

peer_address peer_of(int connection) {
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  if (::getpeername(connection, reinterpret_cast<sockaddr*>(&from), &size) != 0) return {};
  return as_ipv6(from);
}

std::string address_of(int listener) {
  sockaddr_storage at{};
  socklen_t size = sizeof at;
  std::array<char, NI_MAXHOST> host{};
  if (::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size) != 0 ||
      ::getnameinfo(reinterpret_cast<const sockaddr*>(&at), size, host.data(), host.size(), nullptr,
                    0, NI_NUMERICHOST) != 0) {
    return "an unknown address";
  }
  return authority_of(host.data(), bound_port(listener));
}

ssize_t receive(int descriptor, std::span<char> into) {
  const ssize_t got = ::recv(descriptor, into.data(), into.size(), MSG_DONTWAIT);
  return got < 0 ? -errno : got;
}

ssize_t send(int descriptor, std::span<const iovec> pieces) {
  constexpr int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  ssize_t sent = 0;
  if (pieces.size() == 1) {
    sent = ::send(descriptor, pieces[0].iov_base, pieces[0].iov_len, flags);
  } else {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces.data());
    message.msg_iovlen = pieces.size();
    sent = ::sendmsg(descriptor, &message, flags);
  }
  return sent < 0 ? -errno : sent;
}

std::size_t untaken(int descriptor) {
  int bytes = 0;
  return ::ioctl(descriptor, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<std::size_t>(bytes)
                                                                 : 0;
}

void shutdown_write(int descriptor) {
  ::shutdown(descriptor, SHUT_WR);
}

// Dissolving the association resets it even where a forked child shares the descriptor, which a
// close with SO_LINGER does not.
void reset(int descriptor) {
  sockaddr nowhere{};
  nowhere.sa_family = AF_UNSPEC;
  [[maybe_unused]] const int outcome = ::connect(descriptor, &nowhere, sizeof nowhere);
}

void close_connection(int poller, int descriptor) {
  unwatch(poller, descriptor);
  ::shutdown(descriptor, SHUT_RDWR);
  ::close(descriptor);
}

void close_listener(int poller, int descriptor) {
  unwatch(poller, descriptor);
  ::shutdown(descriptor, SHUT_RDWR);
  ::close(descriptor);
}

int open_poller() {
  const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
  return descriptor < 0 ? -errno : descriptor;
}

bool watch(int poller, int descriptor, std::uint64_t key, std::uint32_t what) {
  return control(poller, EPOLL_CTL_ADD, descriptor, key, what);
}

bool rewatch(int poller, int descriptor, std::uint64_t key, std::uint32_t what) {
  return control(poller, EPOLL_CTL_MOD, descriptor, key, what);
}

void unwatch(int poller, int descriptor) {
  ::epoll_ctl(poller, EPOLL_CTL_DEL, descriptor, nullptr);
}

std::size_t wait(int poller, std::span<event> into, int timeout_ms) {
  std::array<epoll_event, 1024> ready;
  const std::size_t most = std::min(ready.size(), into.size());
  const int count = ::epoll_wait(poller, ready.data(), static_cast<int>(most), timeout_ms);
  for (int i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    into[at] = {ready[at].data.u64, event_bits(ready[at].events)};
  }
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

int open_wakeup() {
  const int descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return descriptor < 0 ? -errno : descriptor;
}

void wake(int wakeup) {
  const int kept = errno;  // a signal handler must leave it as it was
  const std::uint64_t one = 1;
  // A full counter wakes as well, so the outcome does not matter.
  [[maybe_unused]] const ssize_t written = ::write(wakeup, &one, sizeof one);
  errno = kept;
}

void clear_wakeup(int wakeup) {
  std::uint64_t rung = 0;
  [[maybe_unused]] const ssize_t got = ::read(wakeup, &rung, sizeof rung);
}

void close(int descriptor) {
  ::close(descriptor);
}

std::uint64_t monotonic_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000;
}

// The coarse clock is a read of memory and its few milliseconds of error are below what a
// timestamp in chat promises.
std::uint64_t unix_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

bool random_bytes(std::span<unsigned char> into) {
  return ::getrandom(into.data(), into.size(), 0) == static_cast<ssize_t>(into.size());
}

}  // namespace chinwag::kernel
