#include "dialect.hpp"

#include <array>
#include <utility>

namespace chinwag::load {
namespace {

constexpr dialect websocket_dialect{
    .target = "/ws?user=",
    .target_names_user = true,
    .join_head = R"({"type":"join","room":")",
    .message_head = R"({"type":"message","room":")",
    .direct_head = R"({"type":"direct","to":")",
    .content_head = R"(","content":")",
    .join_tail = R"("})",
    .tail = R"("})",
    .heartbeat = R"({"type":"heartbeat"})",
    .fault_head = R"({"type":")",
    .fault_ms = R"(","ms":)",
    .fault_tail = "}",
};

// The event's name is the type, its one argument the other fields.
constexpr dialect engine_io_dialect{
    .target = "/socket.io/?EIO=4&transport=websocket",
    .target_names_user = false,
    .join_head = R"(42["join",{"room":")",
    .message_head = R"(42["message",{"room":")",
    .direct_head = R"(42["direct",{"to":")",
    .content_head = R"(","content":")",
    .join_tail = R"("}])",
    .tail = R"("}])",
    .heartbeat = R"(42["heartbeat",{}])",
    .fault_head = R"(42[")",
    .fault_ms = R"(",{"ms":)",
    .fault_tail = "}]",
    .may_be_counted = false,
};

// What follows a `user=` cookie is in the form of the other dialects' targets.
constexpr dialect wse_dialect{
    .target = "/ws",
    .target_names_user = false,
    .join_head = websocket_dialect.join_head,
    .message_head = websocket_dialect.message_head,
    .direct_head = websocket_dialect.direct_head,
    .content_head = websocket_dialect.content_head,
    .join_tail = websocket_dialect.join_tail,
    .tail = websocket_dialect.tail,
    .heartbeat = websocket_dialect.heartbeat,
    .fault_head = websocket_dialect.fault_head,
    .fault_ms = websocket_dialect.fault_ms,
    .fault_tail = websocket_dialect.fault_tail,
    .may_be_counted = false,
    .user_field = "Cookie: user=",
};

// Numbers tell a request's answer from others'; nothing here asks which of its kind was answered.
constexpr dialect centrifugo_dialect{
    .target = "/ws",
    .target_names_user = false,
    .join_head = R"({"id":3,"subscribe":{"channel":"rooms:)",
    .message_head = R"({"id":4,"publish":{"channel":"rooms:)",
    .direct_head = R"({"id":5,"publish":{"channel":"user:#)",
    .content_head = R"(","data":{"content":")",
    .join_tail = R"("}})",
    .tail = R"("}}})",
    .heartbeat = R"({"id":6,"rpc":{"method":"ping"}})",
    .may_be_counted = false,
    .user_field = "X-User-Id: ",
    .own_join_comes_first = false,
};

// Laid out as a message of chat/1, so that what comes back is read as one.
constexpr dialect echo_dialect{
    .target = "/echo",
    .target_names_user = false,
    .join_head = "",
    .message_head = websocket_dialect.message_head,
    .direct_head = websocket_dialect.direct_head,
    .content_head = websocket_dialect.content_head,
    .join_tail = websocket_dialect.join_tail,
    .tail = websocket_dialect.tail,
    .heartbeat = websocket_dialect.heartbeat,
    .echoes = true,
};

// Engine.IO's type first: open 0, ping 2, message 4; then, in a message, Socket.IO's: CONNECT 0,
// DISCONNECT 1, EVENT 2, CONNECT_ERROR 4.
constexpr std::array<std::pair<std::string_view, packet>, 6> packet_heads{{
    {"42", packet::event},
    {"0{", packet::open},
    {"2", packet::ping},
    {"40", packet::admitted},
    {"44", packet::refused},
    {"41", packet::dismissed},
}};

}  // namespace

const dialect& dialect_of(protocol spoken) {
  switch (spoken) {
    case protocol::engine_io:
      return engine_io_dialect;
    case protocol::wse:
      return wse_dialect;
    case protocol::centrifugo:
      return centrifugo_dialect;
    case protocol::echo:
      return echo_dialect;
    case protocol::websocket:
      break;
  }
  return websocket_dialect;
}

bool is_wse_ping(std::string_view payload) {
  return payload.starts_with(R"({"c":"WSE","t":"ping",)");
}

packet packet_of(std::string_view payload) {
  for (const auto& [head, kind] : packet_heads) {
    if (payload.starts_with(head)) {
      return kind;
    }
  }
  return packet::other;
}

std::string connect_packet(std::string_view user) {
  return R"(40{"user":")" + std::string(user) + R"("})";
}

std::string connect_commands(std::string_view user) {
  const std::string channel = std::string(centrifugo_user).append(user);
  return R"({"id":1,"connect":{}})"
         "\n"
         R"({"id":2,"subscribe":{"channel":")" +
         channel + R"("}})";
}

}  // namespace chinwag::load
