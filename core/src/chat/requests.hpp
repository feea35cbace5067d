#pragma once

#include <cstdint>
#include <deque>
#include <string_view>

#include "chat/protocol.hpp"
#include "connection/lifecycle.hpp"
#include "state/buffers.hpp"
#include "state/context.hpp"
#include "state/outboxes.hpp"
#include "state/rooms.hpp"

namespace chinwag {

// Keeps a connection's requests in order while the program takes its time over some of them. The
// program is asked about a message as soon as it comes, so verdicts for many can be on their way;
// what a connection asked for is served in the order in which it asked.
class requests {
 public:
  requests(context& shared, outboxes& outboxes, rooms& rooms, lifecycle& lifecycle,
           protocol& protocol)
      : shared_(shared),
        outboxes_(outboxes),
        rooms_(rooms),
        lifecycle_(lifecycle),
        protocol_(protocol) {}

  // Serves one text message, now or when its time comes. Returns the room that it was published in.
  room_id serve(connection_id id, std::string_view text);

  // Answers a request that is not served for a reason outside chat/1's decision table.
  void refuse(connection_id id, refusal code, std::string_view text) {
    protocol_.refuse(id, code, text);
  }

  // The client closes: what it asked for before is served first.
  void close(connection_id id, std::uint16_t code);

  // What the client sent last can't be served: what it asked for before is, then it is closed.
  void fail(connection_id id, std::uint16_t code);

  // The client's end has come without a close: what it asked for before is served first. False if
  // nothing waits.
  bool outlive(connection_id id);

  // A verdict has come.
  void decide(connection_id id, std::uint64_t number, verdict outcome);

  // Too much waits for verdicts: the connection must not be read for now.
  bool full(connection_id id) const;

  // Goes on with those whose room had to catch up, or whose share of a turn was used.
  void resume();
  bool anyone_waits() const { return !waiting_.empty(); }

 private:
  bool hold_end(connection_id id, held_request end);
  void hold(connection_id id, held_request request);
  void hold_behind(connection_id id, std::string_view text);
  void advance(connection_id id);
  bool serve_front(connection_id id);
  void wait_if_behind(connection_id id, room_id published);
  request_queue* held_by(connection_id id) const;

  context& shared_;
  outboxes& outboxes_;
  rooms& rooms_;
  lifecycle& lifecycle_;
  protocol& protocol_;
  std::deque<connection_handle> waiting_;  // to go on once their room or a turn has place
};

}  // namespace chinwag
