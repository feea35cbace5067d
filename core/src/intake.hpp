#pragma once

#include <span>
#include <string>
#include <vector>

#include "context.hpp"
#include "gate.hpp"
#include "http_service.hpp"
#include "lifecycle.hpp"
#include "message_reader.hpp"
#include "outboxes.hpp"
#include "poller.hpp"
#include "rooms.hpp"

namespace chinwag {

// Reads what clients send and hands it to HTTP, chat or echo. A connection whose messages the rest
// can't keep up with is not read for a while: the pressure goes back to its sender.
class intake {
 public:
  intake(context& shared, outboxes& boxes, rooms& places, lifecycle& life, poller& events,
         gate& chat, http_service& http);

  // Bytes, or an end, wait on the connection.
  void readable(connection_id id);

  // Goes on with connections that were paused and need not be any more.
  void resume_paused();
  bool anyone_paused() const { return !paused_.empty(); }

 private:
  struct paused {
    connection_id id;
    std::uint32_t generation;
    room_id room;  // that must catch up first, or no_id
  };

  void serve(connection_id id, std::span<char> input);
  void serve_frames(connection_id id, std::span<char>& input);
  room_id handle(connection_id id, const inbound& got);
  void echo(connection_id id, const inbound& got);
  bool must_wait(connection_id id, room_id published) const;
  void pause(connection_id id, room_id published);
  message_reader& reader_of(connection_id id);
  void keep_reader(connection_id id);

  context& shared_;
  outboxes& boxes_;
  rooms& rooms_;
  lifecycle& life_;
  poller& events_;
  gate& chat_;
  http_service& http_;
  std::vector<char> buffer_;      // shared by all: most reads end with nothing to keep
  message_reader common_reader_;  // for connections without a message that has begun
  std::vector<paused> paused_;
};

}  // namespace chinwag
