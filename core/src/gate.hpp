#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "context.hpp"
#include "held_requests.hpp"
#include "lifecycle.hpp"
#include "outboxes.hpp"
#include "protocol.hpp"
#include "rooms.hpp"

namespace chinwag {

// Keeps a connection's requests in order while the program takes its time over some of them. The
// program is asked about a message as soon as it comes, so verdicts for many can be on their way;
// what a connection asked for is served in the order in which it asked.
class gate {
 public:
  gate(context& shared, outboxes& boxes, rooms& places, lifecycle& life, protocol& chat)
      : shared_(shared), boxes_(boxes), rooms_(places), life_(life), chat_(chat) {}

  // Serves one text message, now or when its time comes. Returns the room that it was published in.
  room_id serve(connection_id id, std::string_view text);

  // The client closes: what it asked for before is served first.
  void close(connection_id id, std::uint16_t code);

  // A verdict has come.
  void decide(connection_id id, std::uint64_t number, verdict outcome);

  // Too much waits for verdicts: the connection must not be read for now.
  bool full(connection_id id) const;

  // Goes on with those whose room had to catch up.
  void resume();
  bool anyone_stuck() const { return !stuck_.empty(); }

 private:
  struct stuck {
    connection_id id;
    std::uint32_t generation;
  };

  void hold(connection_id id, held_request request);
  void hold_behind(connection_id id, std::string_view text);
  void advance(connection_id id);
  bool serve_front(connection_id id);
  void wait_if_behind(connection_id id, room_id published);
  held_requests* held_by(connection_id id) const;

  context& shared_;
  outboxes& boxes_;
  rooms& rooms_;
  lifecycle& life_;
  protocol& chat_;
  std::vector<stuck> stuck_;
};

}  // namespace chinwag
