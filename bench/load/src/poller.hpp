#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <span>
#include <vector>

namespace chinwag::load {

// epoll with waits in nanoseconds. A descriptor is known by the number it was added under.
class poller {
 public:
  poller();
  ~poller();
  poller(const poller&) = delete;
  poller& operator=(const poller&) = delete;

  bool add(int fd, std::uint32_t id, bool writable);
  void change(int fd, std::uint32_t id, bool writable);
  void remove(int fd);

  // What is ready; waits at most so long, not at all when `timeout_ns` <= 0.
  std::span<const epoll_event> wait(std::int64_t timeout_ns);

 private:
  int fd_;
  std::vector<epoll_event> ready_;
};

}  // namespace chinwag::load
