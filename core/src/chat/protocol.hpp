#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "host/program.hpp"
#include "state/context.hpp"
#include "state/outboxes.hpp"
#include "state/rooms.hpp"
#include "state/users.hpp"
#include "wire/json.hpp"

namespace chinwag {

// What a message led to, as far as its connection's reader must know.
struct served {
  bool malformed = false;       // close 1003
  room_id published = no_id;    // the room that it was appended to
  std::uint64_t undecided = 0;  // not served: the program owes a verdict under this number
  bool changes_rooms = false;   // what is undecided may make the connection a member
};

// What can be said of a message that has to wait behind others.
struct early_look {
  bool changes_rooms = false;              // those behind it depend on it
  bool to_be_asked = false;                // the program has to be asked about it later
  std::optional<program::asked> question;  // the program was asked about it
};

// chat/1's decision table. The rules' numbers are those of protocol/chat-1.md.
class protocol {
 public:
  protocol(context& shared, outboxes& outboxes, rooms& rooms, users& users, program& program)
      : shared_(shared), outboxes_(outboxes), rooms_(rooms), users_(users), program_(program) {}

  // The first message of every connection.
  void welcome(connection_id id);

  // Serves one text message; `text` is valid UTF-8. With the program's verdict, if it was asked
  // before.
  served serve(connection_id id, std::string_view text, const verdict* decided = nullptr);

  // Looks at a message that can't be served yet, and asks the program about it if that is possible:
  // when the rooms of the connection are known for the time when it is served.
  early_look look_early(connection_id id, std::string_view text, bool may_ask);

  // Tells the client why a request is not served. `text` is JSON text.
  served refuse(connection_id id, refusal code, std::string_view text);

  // Sends to every connection of a user. Returns the log that it went through, or no_id.
  room_id direct(std::string_view to, const message_parts& message);
  // The same on all nodes, for a program.
  void direct_everywhere(std::string_view to, const message_parts& message);

 private:
  served serve_object(connection_id id, const json_request& asked, const verdict* decided);
  served join(connection_id id, const json_request& asked, const verdict* decided);
  served leave(connection_id id, const json_request& asked);
  served message(connection_id id, const json_request& asked, const verdict* decided);
  program::asked ask_message(connection_id id, const json_request& asked);
  bool turn_down(connection_id id, const verdict& outcome);
  served direct(connection_id id, const json_request& asked, const verdict* decided);
  void heartbeat(connection_id id);
  member_id membership_of(connection_id id, const json_request& asked) const;
  std::string_view user_of(connection_id id) const;

  context& shared_;
  outboxes& outboxes_;
  rooms& rooms_;
  users& users_;
  program& program_;
};

}  // namespace chinwag
