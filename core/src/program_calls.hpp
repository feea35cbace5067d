#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "chinwag/server.hpp"
#include "context.hpp"
#include "gate.hpp"
#include "lifecycle.hpp"
#include "outboxes.hpp"
#include "rooms.hpp"
#include "users.hpp"

namespace chinwag {

// What the program asks of a shard, on the shard's thread. Texts are checked before they come here;
// contents are JSON text.
class program_calls {
 public:
  program_calls(context& shared, outboxes& boxes, rooms& places, users& people, lifecycle& life,
                gate& requests)
      : shared_(shared),
        boxes_(boxes),
        rooms_(places),
        users_(people),
        life_(life),
        gate_(requests) {}

  void publish(std::string_view room, std::string_view content, std::string_view user);
  void send_to(std::string_view to, std::string_view content, std::string_view user);
  // Neither does anything for a connection that is gone or going.
  bool is_open(connection_handle who) const { return chatting(who) != no_id; }
  void send(connection_handle to, std::string_view content, std::string_view user);
  void close(connection_handle who, std::uint16_t code);
  void decide(std::vector<decision> decisions);
  std::vector<room_info> list_rooms() const;
  std::vector<member_info> list_members(std::string_view room) const;

 private:
  connection_id chatting(connection_handle who) const;

  context& shared_;
  outboxes& boxes_;
  rooms& rooms_;
  users& users_;
  lifecycle& life_;
  gate& gate_;
};

}  // namespace chinwag
