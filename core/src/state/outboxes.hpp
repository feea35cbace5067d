#pragma once

#include <string_view>

#include "state/context.hpp"

namespace chinwag {

// Fills connections' outboxes and remembers whom to serve at the end of the turn.
class outboxes {
 public:
  explicit outboxes(context& shared) : shared_(shared) {}

  void add(connection_id id, const message_parts& message);
  void add(connection_id id, opcode code, std::string_view payload);
  void add_raw(connection_id id, std::string_view bytes);
  // The frames of a log from this position to its tail.
  void add_frames(connection_id id, const room_log& log, std::uint64_t from);

  // The rest of a frame that has begun on the wire.
  void add_first(connection_id id, std::string_view bytes);

  // Bytes that wait in it.
  std::size_t waiting(connection_id id) const;

  // Serves the connection at the end of the turn even if nothing is in its outbox.
  void queue(connection_id id);

  // The place for what a connection keeps, made if need be.
  connection_buffers& buffers_of(connection_id id);
  // Counts what the connection keeps; gives the place back once nothing is in it.
  void trim(connection_id id);
  // Gives the place back with all that is in it.
  void drop(connection_id id);

 private:
  void count(connection_buffers& kept);

  context& shared_;
};

}  // namespace chinwag
