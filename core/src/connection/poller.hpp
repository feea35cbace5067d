#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "host/kernel.hpp"
#include "state/context.hpp"

namespace chinwag {

// The event set. Connections are known to it by place and generation, so that an event for one that
// is gone can be told from one for its successor in the same place.
class poller {
 public:
  explicit poller(context& shared) : shared_(shared) {}
  ~poller();
  poller(const poller&) = delete;
  poller& operator=(const poller&) = delete;

  // False if the system gives no event set.
  bool open();

  // Watches a descriptor that is not a connection for input.
  bool watch(int descriptor, std::uint64_t key);
  // For output, too, if asked for; `known`: what is watched already changes.
  bool watch(int descriptor, std::uint64_t key, bool for_writing, bool known);
  void unwatch(int descriptor);

  bool add(connection_id id);
  // Tells the kernel what the connection waits for, if that has changed.
  void update(connection_id id);
  // Hears no more of the connection; for one that is reset, of which the kernel would tell for
  // ever.
  void forget(connection_id id);
  // Stops watching the connection and closes its descriptor.
  void close(connection_id id);
  void close_listener(int descriptor);
  // Closes a connection that was accepted and not added.
  void close_unwatched(int descriptor);

  std::size_t wait(std::span<kernel::event> into, int timeout_ms);

  // The connection that an event is for, or no_id if it is gone.
  connection_id owner_of(std::uint64_t key) const;

 private:
  std::uint64_t key_of(connection_id id) const;

  context& shared_;
  int descriptor_ = -1;
};

}  // namespace chinwag
