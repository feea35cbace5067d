#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "chinwag/error.hpp"

// Everything that a shard asks of the operating system, so that a simulation can answer instead
// (tests/simulation links its own definitions of these functions). Failures are negative errno
// values. kernel.cpp and pages.cpp are the only files of the core that make these system calls.
namespace chinwag::kernel {

// Readiness as epoll reports it: bits of event::what.
inline constexpr std::uint32_t readable = 1;  // EPOLLIN
inline constexpr std::uint32_t writable = 2;  // EPOLLOUT
inline constexpr std::uint32_t broken = 4;  // EPOLLERR, EPOLLHUP: reported without being asked for

struct event {
  std::uint64_t key = 0;
  std::uint32_t what = 0;
};

struct listening {
  status outcome;
  int descriptor = -1;
  std::uint16_t port = 0;
};

// A listening socket on `host` (an IP address or a name) and `port` (0: any free one). Connections
// to an address that only this machine reaches are not paced.
listening listen(const std::string& host, std::uint16_t port, std::uint32_t backlog);

// Where a connection comes from: an IPv6 address, or an IPv4 address as IPv6 writes it.
using peer_address = std::array<unsigned char, 16>;

// A new connection's descriptor: non-blocking, close-on-exec, TCP_NODELAY, TCP_NOTSENT_LOWAT.
int accept(int listener, peer_address& peer);

// The same of a connection that a predecessor accepted; zeros if its peer is gone.
peer_address peer_of(int connection);
// Where a listening socket is bound: "127.0.0.1:4000", "[::]:4000".
std::string address_of(int listener);

// Bytes received; 0 at the peer's end of stream.
ssize_t receive(int descriptor, std::span<char> into);
// Bytes that the kernel took, which may be fewer than offered.
ssize_t send(int descriptor, std::span<const iovec> pieces);

// Bytes that were sent, and that the peer's kernel has not taken. One that reads slowly takes some
// long before the socket is writable, which it is when much of its buffer is free.
std::size_t untaken(int descriptor);
// Ends our side; the peer sees end of stream behind what was sent.
void shutdown_write(int descriptor);
// Drops what is unsent and sends the peer a reset, at once.
void reset(int descriptor);
// Takes the descriptor out of the poller's set, shuts both sides and closes it: it may be shared
// with a forked child, where a close alone would leave it open and watched.
void close_connection(int poller, int descriptor);
void close_listener(int poller, int descriptor);

int open_poller();
bool watch(int poller, int descriptor, std::uint64_t key, std::uint32_t what);
bool rewatch(int poller, int descriptor, std::uint64_t key, std::uint32_t what);
void unwatch(int poller, int descriptor);
// Waits for at most `timeout_ms` (-1: for ever) and returns how many events were stored.
// Level-triggered.
std::size_t wait(int poller, std::span<event> into, int timeout_ms);

// A counter that another thread, or a signal handler, raises to wake the poller. `ring` keeps
// errno.
int open_wakeup();
void wake(int wakeup);
void clear_wakeup(int wakeup);

void close(int descriptor);

std::uint64_t monotonic_us();
std::uint64_t unix_ms();
// Fills with random bytes; false if the system has none.
bool random_bytes(std::span<unsigned char> into);

}  // namespace chinwag::kernel
