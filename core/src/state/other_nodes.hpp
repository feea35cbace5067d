#pragma once

#include <cstdint>
#include <string_view>

#include "chinwag/handlers.hpp"
#include "host/metrics.hpp"
#include "state/ids.hpp"
#include "wire/messages.hpp"

namespace chinwag {

// The other nodes of a cluster as rooms, users and requests need them; `cluster` is what is behind
// it. A shard that stands alone has none (context::others).
class other_nodes {
 public:
  // A room is about to have its first member here, a user the first connection. True if what
  // others publish there is not heard yet: the connection is told when it is, a join by a verdict
  // under this number.
  virtual bool wait_for_room(std::string_view room, connection_handle who,
                             std::uint64_t number) = 0;
  virtual bool wait_for_user(std::string_view user, connection_handle who) = 0;

  // Nobody is in the room here any more; the user has no connection here.
  virtual void forget_room(std::string_view room) = 0;
  virtual void forget_user(std::string_view user) = 0;

  // Carries a message to the room's members, or the user's connections, on all other nodes.
  // `sender` is told if it can't leave; no_id: nobody is. A direct message that finds nobody, here
  // or elsewhere, is answered no_such_user.
  virtual void to_room(std::string_view room, const message_parts& message,
                       connection_id sender) = 0;
  virtual void to_user(std::string_view user, const message_parts& message, connection_id sender,
                       bool is_here) = 0;

  virtual backplane_counts read() const = 0;

 protected:
  ~other_nodes() = default;
};

}  // namespace chinwag
