#include "host/pages.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace chinwag::kernel {

namespace {

constexpr unsigned without_waiting = SPLICE_F_NONBLOCK;

char* map(char* place, std::size_t bytes, int flags) {
  void* const at = ::mmap(place, bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
  if (at == MAP_FAILED) return nullptr;
  // Who refers to a part of a huge page keeps all of it, and all cores count on the same counter.
  ::madvise(at, bytes, MADV_NOHUGEPAGE);
  return static_cast<char*>(at);
}

// As large as any user may have it. Where that is refused, a smaller one is lent less at once.
bool open_pipe(std::array<int, 2>& ends) {
  constexpr int bytes = 1024 * 1024;
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return false;
  ::fcntl(ends[1], F_SETPIPE_SZ, bytes);
  return true;
}

// What one takes the other one has to take: else a connection would seem to be full. So little as a
// user's last pipes hold is copied sooner.
bool are_of_use(const page_lender& of) {
  constexpr int bytes_least = 64 * 1024;
  const int bytes = ::fcntl(of.lent[1], F_GETPIPE_SZ);
  return bytes >= bytes_least && bytes == ::fcntl(of.given[1], F_GETPIPE_SZ);
}

void drop(int pipe, int sink, std::size_t bytes) {
  while (bytes > 0) {
    const ssize_t gone = ::splice(pipe, nullptr, sink, nullptr, bytes, without_waiting);
    if (gone < 0 && errno == EINTR) continue;
    if (gone <= 0) return;
    bytes -= static_cast<std::size_t>(gone);
  }
}

// Whether the calls are there: a filter may know some of them.
bool can_lend(page_lender& of) {
  char byte = 0;
  const iovec piece{&byte, sizeof(byte)};
  if (::vmsplice(of.lent[1], &piece, 1, without_waiting) != 1) return false;
  if (::tee(of.lent[0], of.given[1], 1, without_waiting) != 1) return false;
  for (const int pipe : {of.lent[0], of.given[0]}) {
    if (::splice(pipe, nullptr, of.sink, nullptr, 1, without_waiting) != 1) return false;
  }
  return true;
}

sigset_t only_pipe_signal() {
  sigset_t only;
  ::sigemptyset(&only);
  ::sigaddset(&only, SIGPIPE);
  return only;
}

void hold_signal(page_lender& of) {
  const sigset_t only = only_pipe_signal();
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, &only, &before);
  of.holds_signal = true;
  of.was_held = ::sigismember(&before, SIGPIPE) == 1;
  of.had_signal = of.pipe_broke = false;
  if (!of.was_held) return;  // then none waited
  sigset_t waiting;
  ::sigpending(&waiting);
  of.had_signal = ::sigismember(&waiting, SIGPIPE) == 1;
}

}  // namespace

char* map_pages(std::size_t bytes) {
  return map(nullptr, bytes, 0);
}

void unmap_pages(char* begin, std::size_t bytes) {
  ::munmap(begin, bytes);
}

bool renew_pages(char* begin, std::size_t bytes) {
  if (::madvise(begin, bytes, MADV_DONTNEED) == 0) return true;
  // Locked memory is not given back by that: other pages take its place.
  return map(begin, bytes, MAP_FIXED) != nullptr;
}

lending_threshold worth_lending() {
  return {.bytes = 16 * 1024, .connections = 8};
}

void open_lender(page_lender& of) {
  of.sink = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  const bool is_open = of.sink >= 0 && open_pipe(of.lent) && open_pipe(of.given);
  if (!is_open || !are_of_use(of) || !can_lend(of)) close_lender(of);
}

void close_lender(page_lender& of) {
  end_loan(of);
  for (const int descriptor : {of.lent[0], of.lent[1], of.given[0], of.given[1], of.sink}) {
    if (descriptor >= 0) ::close(descriptor);
  }
  of = {};
}

std::size_t lend(page_lender& of, std::span<const iovec> pieces) {
  if (of.sink < 0) return 0;
  const ssize_t taken = ::vmsplice(of.lent[1], pieces.data(), pieces.size(), without_waiting);
  if (taken <= 0) return 0;
  return of.bytes = static_cast<std::size_t>(taken);
}

ssize_t send_lent(page_lender& of, int descriptor, std::size_t bytes) {
  if (!of.holds_signal) hold_signal(of);
  const ssize_t held = ::tee(of.lent[0], of.given[1], bytes, without_waiting);
  if (held < 0) return -errno;
  const ssize_t sent = ::splice(of.given[0], nullptr, descriptor, nullptr,
                                static_cast<std::size_t>(held), without_waiting);
  const int failure = errno;
  drop(of.given[0], of.sink, static_cast<std::size_t>(held - std::max<ssize_t>(sent, 0)));
  // It goes in parts: behind one that went, another one may have raised the signal.
  if (sent < held) of.pipe_broke = true;
  return sent >= 0 ? sent : -failure;
}

// One that somebody else has sent stays.
void pause_loan(page_lender& of) {
  if (!std::exchange(of.holds_signal, false)) return;
  const sigset_t only = only_pipe_signal();
  const timespec at_once{};
  if (of.pipe_broke && !of.had_signal) {
    while (::sigtimedwait(&only, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  }
  if (!of.was_held) ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
}

void end_loan(page_lender& of) {
  pause_loan(of);
  drop(of.lent[0], of.sink, std::exchange(of.bytes, 0));
}

}  // namespace chinwag::kernel
