#include "protocol.hpp"

#include <algorithm>
#include <array>

#include "json_string.hpp"
#include "messages.hpp"

namespace chinwag {

namespace {

constexpr std::size_t type_bytes_max = 16;

// The request's type after unescaping. Types that are longer than any known one are unknown.
request request_of(const json_field& type) {
  std::array<char, type_bytes_max> plain{};
  const std::size_t size = unescape_json(type.raw, plain.data(), plain.size());
  const std::string_view name{plain.data(), std::min(size, plain.size())};
  if (size > plain.size()) return request::unknown;
  if (name == "message") return request::message;
  if (name == "direct") return request::direct;
  if (name == "heartbeat") return request::heartbeat;
  if (name == "join") return request::join;
  if (name == "leave") return request::leave;
  return request::unknown;
}

requested_name name_in(const json_field& field) {
  return requested_name(field.is_text() ? field.raw : std::string_view{});
}

}  // namespace

void protocol::welcome(connection_id id) {
  boxes_.add(id, welcome_message(quoted_name(user_of(id))));
}

served protocol::serve(connection_id id, std::string_view text) {
  json_request asked;
  switch (scan_json(text, asked)) {
    case json_verdict::malformed:  // C1, C10, C11, C13
      shared_.counts.count(request::refused);
      return {true, no_id};
    case json_verdict::not_object:  // C2
      shared_.counts.count(request::refused);
      refuse(id, refusal::bad_request, "a request is a JSON object");
      return {};
    case json_verdict::object:
      break;
  }
  if (!asked.type.is_text()) {  // C3
    shared_.counts.count(request::refused);
    refuse(id, refusal::bad_request, "'type' must be a string");
    return {};
  }
  return serve_object(id, asked);
}

served protocol::serve_object(connection_id id, const json_request& asked) {
  const request kind = request_of(asked.type);
  shared_.counts.count(kind);
  switch (kind) {
    case request::message:
      return {false, message(id, asked)};
    case request::direct:
      direct(id, asked);
      break;
    case request::heartbeat:
      heartbeat(id);
      break;
    case request::join:
      join(id, asked);
      break;
    case request::leave:
      leave(id, asked);
      break;
    case request::unknown:  // C4
    case request::refused:
      break;
  }
  return {};
}

void protocol::join(connection_id id, const json_request& asked) {
  const requested_name name = name_in(asked.room);
  if (!name.valid()) return refuse(id, refusal::bad_request, "'room' must be a name");
  const room_id place = rooms_.find(name.view());
  if (place != no_id && rooms_.find_member(id, place) != no_id) {  // R3
    return boxes_.add(id, joined_message(quoted_name(name.view()), quoted_name(user_of(id)),
                                         shared_.clock.timestamp()));
  }
  if (shared_.links.connections[id].rooms >= shared_.limits.rooms_per_connection_max) {  // R4
    return refuse(id, refusal::too_many_rooms, "leave a room first");
  }
  rooms_.join(id, name.view());
}

void protocol::leave(connection_id id, const json_request& asked) {
  const requested_name name = name_in(asked.room);
  if (!name.valid()) return refuse(id, refusal::bad_request, "'room' must be a name");
  const room_id place = rooms_.find(name.view());
  const member_id membership = place == no_id ? no_id : rooms_.find_member(id, place);
  if (membership == no_id) return refuse(id, refusal::not_joined, "not in this room");  // R5
  rooms_.leave(membership);
}

room_id protocol::message(connection_id id, const json_request& asked) {
  const requested_name name = name_in(asked.room);
  if (!name.valid() || !asked.content.is_text()) {
    refuse(id, refusal::bad_request, "'room' must be a name and 'content' a string");
    return no_id;
  }
  const room_id place = rooms_.find(name.view());
  if (place == no_id || rooms_.find_member(id, place) == no_id) {  // R8
    refuse(id, refusal::not_joined, "join the room first");
    return no_id;
  }
  rooms_.publish(place, room_message(quoted_name(name.view()), quoted_name(user_of(id)),
                                     asked.content.raw, shared_.clock.timestamp()));
  return place;
}

void protocol::direct(connection_id id, const json_request& asked) {
  const requested_name name = name_in(asked.to);
  if (!name.valid() || !asked.content.is_text()) {  // D3
    return refuse(id, refusal::bad_request, "'to' must be a name and 'content' a string");
  }
  connection_id to = users_.first(name.view());
  if (to == no_id) return refuse(id, refusal::no_such_user, "nobody by that name");  // D2
  const quoted_name user(user_of(id));
  const message_parts parts = direct_message(user, asked.content.raw, shared_.clock.timestamp());
  for (; to != no_id; to = users_.next(to)) {  // D1
    boxes_.add(to, parts);
    shared_.counts.direct_deliveries.add();
  }
}

void protocol::heartbeat(connection_id id) {
  boxes_.add(id, heartbeat_message(shared_.clock.timestamp()));
}

void protocol::refuse(connection_id id, refusal code, std::string_view text) {
  shared_.counts.count(code);
  boxes_.add(id, error_message(code, text));
}

std::string_view protocol::user_of(connection_id id) const {
  return shared_.truth.names.view(shared_.truth.connections[id].user);
}

}  // namespace chinwag
