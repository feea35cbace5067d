#pragma once

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>

#include "context.hpp"

namespace chinwag {

// The epoll set. Connections are known to it by place and generation, so that an event for one that
// is gone can be told from one for its successor in the same place.
class poller {
 public:
  explicit poller(context& shared) : shared_(shared) {}
  ~poller();
  poller(const poller&) = delete;
  poller& operator=(const poller&) = delete;

  // False if the system gives no epoll set.
  bool open();

  // Watches a descriptor that is not a connection.
  bool watch(int descriptor, std::uint64_t key);
  void unwatch(int descriptor);

  bool add(connection_id id);
  // Tells the kernel what the connection waits for, if that has changed.
  void update(connection_id id);

  std::size_t wait(epoll_event* events, std::size_t count, int timeout_ms);

  std::uint64_t key_of(connection_id id) const;
  // The connection that an event is for, or no_id if it is gone.
  connection_id owner_of(std::uint64_t key) const;

 private:
  context& shared_;
  int descriptor_ = -1;
};

}  // namespace chinwag
