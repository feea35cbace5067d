#pragma once

#include <string_view>

#include "context.hpp"
#include "json_scan.hpp"
#include "outboxes.hpp"
#include "rooms.hpp"
#include "users.hpp"

namespace chinwag {

// What a message led to, as far as its connection's reader must know.
struct served {
  bool malformed = false;     // close 1003
  room_id published = no_id;  // the room that it was appended to
};

// chat/1's decision table. The rules' numbers are those of protocol/chat-1.md.
class protocol {
 public:
  protocol(context& shared, outboxes& boxes, rooms& places, users& people)
      : shared_(shared), boxes_(boxes), rooms_(places), users_(people) {}

  // The first message of every connection.
  void welcome(connection_id id);

  // Serves one text message; `text` is valid UTF-8.
  served serve(connection_id id, std::string_view text);

 private:
  served serve_object(connection_id id, const json_request& asked);
  void join(connection_id id, const json_request& asked);
  void leave(connection_id id, const json_request& asked);
  room_id message(connection_id id, const json_request& asked);
  void direct(connection_id id, const json_request& asked);
  void heartbeat(connection_id id);
  void refuse(connection_id id, refusal code, std::string_view text);
  std::string_view user_of(connection_id id) const;

  context& shared_;
  outboxes& boxes_;
  rooms& rooms_;
  users& users_;
};

}  // namespace chinwag
