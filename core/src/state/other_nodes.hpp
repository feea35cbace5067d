#pragma once

#include <cstdint>
#include <string_view>

#include "host/metrics.hpp"
#include "state/ids.hpp"
#include "wire/messages.hpp"

namespace chinwag {

// The other nodes of a cluster as rooms, users and requests need them; `cluster` is what is behind
// it. A shard that stands alone has none (context::others).
class other_nodes {
 public:
  // A connection is about to join a room: true if it has to wait until the other nodes know, and is
  // told by a verdict under this number.
  virtual bool wait_to_join(connection_id id, std::string_view room, std::uint64_t number) = 0;
  // Once: whether the join that it waited for is to be served now, as the others know of it.
  virtual bool is_announced(connection_id id) = 0;
  // A connection is about to enter the chat: true if it has to wait until the other nodes reach it.
  virtual bool wait_to_enter(std::string_view user, connection_id id) = 0;

  // Nobody is in the room here any more; the user has no connection here.
  virtual void forget_room(std::string_view room) = 0;
  virtual void forget_user(std::string_view user) = 0;

  // Carries a message to the room's members on all other nodes. `sender` is told if it can't leave;
  // no_id: nobody is.
  virtual void to_room(std::string_view room, const message_parts& message,
                       connection_id sender) = 0;
  // The same for a user's connections. With a number the sender waits, and is told by a verdict
  // under it whether anybody is there; false if nobody can be asked.
  virtual bool to_user(std::string_view user, const message_parts& message, connection_id sender,
                       std::uint64_t number) = 0;

  // For /health and /metrics.
  virtual backplane_counts read() const = 0;

 protected:
  ~other_nodes() = default;
};

}  // namespace chinwag
