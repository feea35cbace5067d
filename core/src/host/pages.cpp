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

// As large as any user may have it. Where that is refused, a smaller one is lent less at once.
bool open_pipe(std::array<int, 2>& ends) {
  constexpr int bytes = 1024 * 1024;
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return false;
  ::fcntl(ends[1], F_SETPIPE_SZ, bytes);
  return true;
}

void drop(int pipe, int sink, std::size_t bytes) {
  while (bytes > 0) {
    const ssize_t gone = ::splice(pipe, nullptr, sink, nullptr, bytes, without_waiting);
    if (gone < 0 && errno == EINTR) continue;
    if (gone <= 0) return;
    bytes -= static_cast<std::size_t>(gone);
  }
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
  void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return nullptr;
  // Who refers to a part of a huge page keeps all of it, and all cores count on the same counter.
  ::madvise(at, bytes, MADV_NOHUGEPAGE);
  return static_cast<char*>(at);
}

void unmap_pages(char* begin, std::size_t bytes) {
  ::munmap(begin, bytes);
}

void renew_pages(char* begin, std::size_t bytes) {
  ::madvise(begin, bytes, MADV_DONTNEED);
}

lending_threshold worth_lending() {
  return {.bytes = 16 * 1024, .connections = 8};
}

void open_lender(page_lender& of) {
  of.sink = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (of.sink < 0 || !open_pipe(of.lent) || !open_pipe(of.given)) close_lender(of);
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
  if (sent >= 0) return sent;
  if (failure == EPIPE) of.pipe_broke = true;
  return -failure;
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
