#include "chat/protocol.hpp"

#include <algorithm>
#include <array>

#include "wire/json.hpp"
#include "wire/messages.hpp"

namespace chinwag {

namespace {

constexpr std::size_t type_bytes_max = 16;

// With more waiting in a user's outbox, direct messages go through a log, which holds back those
// who send more than the user takes.
constexpr std::size_t outbox_bytes_short = 64 * 1024;

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
  if (planted(fault::welcome_missing) && id % 8 == 7) return;
  outboxes_.add(id, welcome_message(quoted_name(user_of(id))));
}

served protocol::serve(connection_id id, std::string_view text, const verdict* decided) {
  json_request asked;
  switch (scan_json(text, asked)) {
    case json_verdict::malformed:  // C1, C10, C11, C13
      shared_.counts.count(request::refused);
      return {.malformed = true};
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
  return serve_object(id, asked, decided);
}

served protocol::serve_object(connection_id id, const json_request& asked, const verdict* decided) {
  const request kind = request_of(asked.type);
  // What was asked about before was counted then.
  if (decided == nullptr) shared_.counts.count(kind);
  switch (kind) {
    case request::message:
      return message(id, asked, decided);
    case request::join:
      return join(id, asked, decided);
    case request::direct:
      return direct(id, asked, decided);
    case request::heartbeat:
      heartbeat(id);
      break;
    case request::leave:
      return leave(id, asked);
    case request::unknown:  // C4
    case request::refused:
      break;
  }
  return {};
}

early_look protocol::look_early(connection_id id, std::string_view text, bool may_ask) {
  json_request asked;
  if (scan_json(text, asked) != json_verdict::object || !asked.type.is_text()) return {};
  const request kind = request_of(asked.type);
  if (kind == request::join || kind == request::leave)
    return {.changes_rooms = true, .question = {}};
  if (kind != request::message || !program_.asks_messages()) return {};
  if (!may_ask) return {.to_be_asked = true, .question = {}};
  if (membership_of(id, asked) == no_id || !asked.content.is_text()) return {};
  shared_.counts.count(kind);
  return {.question = ask_message(id, asked)};
}

served protocol::join(connection_id id, const json_request& asked, const verdict* decided) {
  const requested_name name = name_in(asked.room);
  if (!name.valid()) return refuse(id, refusal::bad_request, "'room' must be a name");
  if (shared_.others != nullptr && shared_.others->is_announced(id)) {
    return {.published = rooms_.join(id, name.view(), rooms::news::told_elsewhere)};
  }
  const room_id place = rooms_.find(name.view());
  if (place != no_id && rooms_.find_member(id, place) != no_id &&
      !planted(fault::joined_again_for_all)) {  // R3
    outboxes_.add(id, joined_message(quoted_name(name.view()), quoted_name(user_of(id)),
                                     shared_.clock.timestamp()));
    return {};
  }
  if (shared_.links.connections[id].rooms >=
      shared_.limits.rooms_per_connection_max + planted(fault::one_room_too_many)) {  // R4
    return refuse(id, refusal::too_many_rooms, "leave a room first");
  }
  const bool is_new = place == no_id || !rooms_.is_live(place);
  if (is_new && rooms_.live() >= shared_.limits.rooms_max) {
    return refuse(id, refusal::unavailable, "the server has as many rooms as it may have");
  }
  program::asked question{};
  if (decided == nullptr && program_.asks_joins()) {
    question = program_.ask_join(shared_.handle_of(id), user_of(id), name.view());
    decided = &question.outcome;
  }
  if (decided != nullptr) {
    if (decided->what == verdict::kind::later) {
      return {.undecided = question.number, .changes_rooms = true};
    }
    if (turn_down(id, *decided)) return {};
  }
  if (shared_.others != nullptr) {
    const std::uint64_t number = program_.take_number();
    if (shared_.others->wait_to_join(id, name.view(), number)) {
      return {.undecided = number, .changes_rooms = true};
    }
  }
  return {.published = rooms_.join(id, name.view())};
}

served protocol::leave(connection_id id, const json_request& asked) {
  if (!name_in(asked.room).valid()) {
    return refuse(id, refusal::bad_request, "'room' must be a name");
  }
  const member_id membership = membership_of(id, asked);
  if (membership == no_id) {  // R5
    return refuse(id, refusal::not_joined, "not in this room");
  }
  return {.published = rooms_.leave(membership)};
}

served protocol::message(connection_id id, const json_request& asked, const verdict* decided) {
  const requested_name name = name_in(asked.room);
  if (!name.valid() || !asked.content.is_text()) {
    return refuse(id, refusal::bad_request, "'room' must be a name and 'content' a string");
  }
  const member_id membership = membership_of(id, asked);
  if (membership == no_id) {  // R8
    return refuse(id, refusal::not_joined, "join the room first");
  }
  program::asked question{};
  if (decided == nullptr && program_.asks_messages()) {
    question = ask_message(id, asked);
    decided = &question.outcome;
  }
  std::string changed;
  std::string_view content = asked.content.raw;
  if (decided != nullptr) {
    if (decided->what == verdict::kind::later) return {.undecided = question.number};
    if (turn_down(id, *decided)) return {};
    if (decided->what == verdict::kind::change) content = changed = escape_json(decided->text);
  }
  const room_id place = shared_.truth.members[membership].room;
  rooms_.publish(place,
                 room_message(quoted_name(name.view()), quoted_name(user_of(id)), content,
                              shared_.clock.timestamp()),
                 id);
  return {.published = place};
}

program::asked protocol::ask_message(connection_id id, const json_request& asked) {
  const requested_name name = name_in(asked.room);
  const std::string_view raw = asked.content.raw;
  if (raw.find('\\') == std::string_view::npos) {
    return program_.ask_message(shared_.handle_of(id), user_of(id), name.view(), raw);
  }
  std::string plain(raw.size(), '\0');  // escapes are never shorter than what they stand for
  plain.resize(unescape_json(raw, plain.data(), plain.size()));
  return program_.ask_message(shared_.handle_of(id), user_of(id), name.view(), plain);
}

// Whether the program does not want the request served; the client is told.
bool protocol::turn_down(connection_id id, const verdict& outcome) {
  if (outcome.what == verdict::kind::refuse) {
    refuse(id, outcome.code, escape_json(outcome.text));
    return true;
  }
  if (outcome.what != verdict::kind::answer) return false;
  rooms_.directs_to_outbox(id);
  outboxes_.add(id, direct_message(quoted_name(program_name), escape_json(outcome.text),
                                   shared_.clock.timestamp()));
  return true;
}

member_id protocol::membership_of(connection_id id, const json_request& asked) const {
  const requested_name name = name_in(asked.room);
  const room_id place = name.valid() ? rooms_.find(name.view()) : no_id;
  return place == no_id ? no_id : rooms_.find_member(id, place);
}

served protocol::direct(connection_id id, const json_request& asked, const verdict* decided) {
  if (decided != nullptr) {  // it has left for other nodes
    turn_down(id, *decided);
    return {};
  }
  const requested_name name = name_in(asked.to);
  if (!name.valid() || !asked.content.is_text()) {  // D3
    return refuse(id, refusal::bad_request, "'to' must be a name and 'content' a string");
  }
  const bool is_here = users_.first(name.view()) != no_id;
  if (!is_here && shared_.others == nullptr) {  // D2
    return refuse(id, refusal::no_such_user, "nobody by that name");
  }
  const quoted_name user(user_of(id));
  const message_parts text = direct_message(user, asked.content.raw, shared_.clock.timestamp());
  if (shared_.others != nullptr) {
    const std::uint64_t number = is_here ? 0 : program_.take_number();
    if (shared_.others->to_user(name.view(), text, id, number)) return {.undecided = number};
  }
  return {.published = direct(name.view(), text)};
}

void protocol::direct_everywhere(std::string_view to, const message_parts& message) {
  if (shared_.others != nullptr) shared_.others->to_user(to, message, no_id, 0);
  direct(to, message);
}

// D1, D4. A user with one connection mostly gets it in the outbox of that one. Once a direct log is
// there, all goes through it; what was in the outbox before goes out first.
room_id protocol::direct(std::string_view to, const message_parts& message) {
  const connection_id first = users_.first(to);
  if (first == no_id) return no_id;
  room_id log = rooms_.find_direct(to);
  if (log == no_id && users_.next(first) == no_id &&
      outboxes_.waiting(first) <= outbox_bytes_short) {
    outboxes_.add(first, message);
    shared_.counts.direct_deliveries.add();
    return no_id;
  }
  if (log == no_id) log = rooms_.open_direct(to, first);
  rooms_.publish(log, message);
  shared_.counts.direct_deliveries.add(shared_.links.rooms[log].members);
  return log;
}

void protocol::heartbeat(connection_id id) {
  outboxes_.add(id, heartbeat_message(shared_.clock.timestamp()));
}

served protocol::refuse(connection_id id, refusal code, std::string_view text) {
  shared_.counts.count(code);
  outboxes_.add(id, error_message(code, text));
  return {};
}

std::string_view protocol::user_of(connection_id id) const {
  return shared_.truth.names.view(shared_.truth.connections[id].user);
}

}  // namespace chinwag
