#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace chinwag::load {

// How the messages of chat/1 travel: as WebSocket text, or as Socket.IO events in packets of
// Engine.IO, both again in WebSocket text. `echo` asks for no chat: each message comes back to its
// sender, which tells what this generator can do.
enum class protocol : std::uint8_t { websocket, engine_io, echo };

// What a client says, around its names and contents.
struct dialect {
  std::string_view target;  // of the upgrade request; followed by the user if `target_names_user`
  bool target_names_user;
  std::string_view join_head;  // these end where a name begins
  std::string_view message_head;
  std::string_view direct_head;
  std::string_view content_head;  // between the name and the content
  std::string_view tail;          // behind the last string
  std::string_view heartbeat;
  bool may_be_counted = true;  // nothing that must be answered at once comes as a text
  bool echoes = false;         // no welcome, no joins, no names: everybody is alone in a room
};

const dialect& dialect_of(protocol spoken);

// What a text of a Socket.IO server is to its connection, beside the events.
enum class packet { event, open, ping, admitted, refused, dismissed, other };

packet packet_of(std::string_view payload);

inline constexpr std::string_view pong_packet = "3";

// The CONNECT packet; `user` holds characters that need no escaping.
std::string connect_packet(std::string_view user);

}  // namespace chinwag::load
