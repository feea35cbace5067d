#pragma once

#include <span>
#include <string>
#include <vector>

#include "chat/http_service.hpp"
#include "chat/requests.hpp"
#include "connection/lifecycle.hpp"
#include "connection/poller.hpp"
#include "state/context.hpp"
#include "state/outboxes.hpp"
#include "state/rooms.hpp"
#include "wire/message_reader.hpp"

namespace chinwag {

// Reads what clients send and hands it to HTTP, chat or echo. A connection whose messages the rest
// can't keep up with is not read for a while: the pressure goes back to its sender.
class receiver {
 public:
  receiver(context& shared, outboxes& outboxes, rooms& rooms, lifecycle& lifecycle, poller& poller,
           requests& requests, http_service& http);

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
  outboxes& outboxes_;
  rooms& rooms_;
  lifecycle& lifecycle_;
  poller& poller_;
  requests& requests_;
  http_service& http_;
  std::vector<char> buffer_;      // shared by all: most reads end with nothing to keep
  message_reader common_reader_;  // for connections without a message that has begun
  std::vector<paused> paused_;
};

}  // namespace chinwag
