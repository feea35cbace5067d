#include "poller.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string>

#include "clock.hpp"
#include "failure.hpp"

namespace chinwag::load {
namespace {

constexpr std::size_t events_per_wait = 512;
constexpr std::int64_t wait_ns_max = ns_per_s;

epoll_event interest(std::uint32_t id, bool writable) {
  epoll_event event{};
  event.events = EPOLLIN | (writable ? std::uint32_t{EPOLLOUT} : 0);
  event.data.u32 = id;
  return event;
}

}  // namespace

poller::poller() : fd_(epoll_create1(EPOLL_CLOEXEC)), ready_(events_per_wait) {
  if (fd_ < 0) {
    throw failure(exit_code::environment, std::string("epoll: ") + std::strerror(errno));
  }
  // By default the kernel may wake a thread 50 us late to save power: as long as a delivery takes.
  prctl(PR_SET_TIMERSLACK, 1UL);
}

poller::~poller() {
  close(fd_);
}

bool poller::add(int fd, std::uint32_t id, bool writable) {
  epoll_event event = interest(id, writable);
  return epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void poller::change(int fd, std::uint32_t id, bool writable) {
  epoll_event event = interest(id, writable);
  epoll_ctl(fd_, EPOLL_CTL_MOD, fd, &event);
}

void poller::remove(int fd) {
  epoll_ctl(fd_, EPOLL_CTL_DEL, fd, nullptr);
}

std::span<const epoll_event> poller::wait(std::int64_t timeout_ns) {
  const std::int64_t bounded = std::clamp<std::int64_t>(timeout_ns, 0, wait_ns_max);
  const timespec timeout{bounded / ns_per_s, bounded % ns_per_s};
  const int capacity = static_cast<int>(ready_.size());
  int count = epoll_pwait2(fd_, ready_.data(), capacity, &timeout, nullptr);
  if (count < 0 && errno == ENOSYS) {  // Linux before 5.11: round down, the loop turns once more
    const auto ms = static_cast<int>(bounded / ns_per_ms);
    count = epoll_wait(fd_, ready_.data(), capacity, ms);
  }
  return {ready_.data(), static_cast<std::size_t>(std::max(count, 0))};
}

}  // namespace chinwag::load
