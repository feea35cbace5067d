#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace chinwag::load {

// How the messages of chat/1 travel: as WebSocket text, or as Socket.IO events in packets of
// Engine.IO, both again in WebSocket text; `wse` is text beside the pings of wse-server, with the
// user in a cookie; `centrifugo` is Centrifugo's own JSON protocol. `echo` asks for no chat: each
// message comes back to its sender, which tells what this generator can do.
enum class protocol : std::uint8_t { websocket, engine_io, wse, centrifugo, echo };

// What a client says, around its names and contents.
struct dialect {
  std::string_view target;  // of the upgrade request; followed by the user if `target_names_user`
  bool target_names_user;
  std::string_view join_head;  // these end where a name begins
  std::string_view message_head;
  std::string_view direct_head;
  std::string_view content_head;  // between the name and the content
  std::string_view join_tail;     // behind a name
  std::string_view tail;          // behind a content
  std::string_view heartbeat;
  // Asks for a fault by its type: around the type, and around its milliseconds. Empty where no
  // message of a type of its own reaches the server's program.
  std::string_view fault_head{};
  std::string_view fault_ms{};
  std::string_view fault_tail{};
  bool may_be_counted = true;        // nothing that must be answered at once comes as a text
  bool echoes = false;               // no welcome, no joins, no names: everybody is alone in a room
  std::string_view user_field{};     // of the upgrade request, if any; followed by the user
  bool own_join_comes_first = true;  // before that of anybody who joins at the same time
};

const dialect& dialect_of(protocol spoken);

// Whether a text of a server is wse-server's ping, which it asks to be answered by a text.
bool is_wse_ping(std::string_view payload);

// What Centrifugo's channels begin with: a room's, and the one that a user alone may subscribe to.
inline constexpr std::string_view centrifugo_room = "rooms:";
inline constexpr std::string_view centrifugo_user = "user:#";
inline constexpr std::string_view centrifugo_pong = "{}";

// What a client of Centrifugo says first: who it is stands in the upgrade request, and direct
// messages reach it in its own channel. `user` holds characters that need no escaping.
std::string connect_commands(std::string_view user);
// How the replies to them begin: both, and the last one.
inline constexpr std::string_view centrifugo_connect_reply = R"({"id":1,)";
inline constexpr std::string_view centrifugo_subscribed_reply = R"({"id":2,)";

inline constexpr std::string_view wse_pong = R"({"type":"pong"})";

// What a text of a Socket.IO server is to its connection, beside the events.
enum class packet { event, open, ping, admitted, refused, dismissed, other };

packet packet_of(std::string_view payload);

inline constexpr std::string_view pong_packet = "3";

// The CONNECT packet; `user` holds characters that need no escaping.
std::string connect_packet(std::string_view user);

}  // namespace chinwag::load
