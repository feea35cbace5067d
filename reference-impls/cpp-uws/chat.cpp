#include "chat.hpp"

#include <chrono>
#include <utility>

#include "faults.hpp"

namespace {

constexpr std::size_t message_bytes_max = 65'536;
constexpr std::size_t name_bytes_max = 64;
constexpr std::size_t rooms_max = 64;

/// Why a request can't be served.
struct refusal {
  char const* code;
  std::string message;
};

refusal const not_joined{"not_joined", "this connection is not in that room"};

std::string_view string_field(request const& request, char const* field) {
  if (auto const text = string_in(request, field)) return *text;
  throw refusal{"bad_request", std::string(field) + " must be a string"};
}

std::string name_field(request const& request, char const* field) {
  auto const name = string_field(request, field);
  if (valid_name(name)) return std::string(name);
  throw refusal{"bad_request", std::string(field) + " must have 1 to 64 bytes, none of control"};
}

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// Names of rooms and users may be equal: topics are apart.
std::string topic_of_room(std::string const& room) {
  return "room " + room;
}
std::string topic_of_user(std::string const& user) {
  return "user " + user;
}

message presence(char const* type, std::string const& room, std::string const& user) {
  return {{"type", type}, {"room", room}, {"user", user}, {"timestamp", now_ms()}};
}

}  // namespace

bool valid_name(std::string_view name) {
  if (name.empty() || name.size() > name_bytes_max) return false;
  unsigned char before = 0;
  for (unsigned char const byte : name) {
    // U+0080 to U+009F are 0xC2 with 0x80 to 0x9F behind it.
    if (byte < 0x20 || byte == 0x7f || (before == 0xc2 && byte < 0xa0)) return false;
    before = byte;
  }
  return true;
}

void chat::opened(socket_t* socket) {
  auto& who = *socket->getUserData();
  who.heard = who.pinged = ticks_;
  who.index = sockets_.size();
  sockets_.push_back(socket);
  delivery_.join(socket, topic_of_user(who.user));
  send(socket, {{"type", "welcome"}, {"user", who.user}});
  if (stopping_) {  // it came when others were closed
    delivery_.end(socket, 1012, "Server stops");
  } else {
    delivery_.served(socket);
  }
}

void chat::closed(socket_t* socket) {
  auto const& who = *socket->getUserData();
  if (who.missed) std::erase(missed_, socket);
  sockets_[who.index] = sockets_.back();
  sockets_[who.index]->getUserData()->index = who.index;
  sockets_.pop_back();
  delivery_.closed(socket);
  delivery_.leave(socket, topic_of_user(who.user));
  for (auto const& room : who.rooms) delivery_.leave(socket, topic_of_room(room));
  if (stopping_) return;
  for (auto const& room : who.rooms) {
    publish(topic_of_room(room), presence("user_left", room, who.user));
  }
}

void chat::missed(socket_t* socket) {
  if (std::exchange(socket->getUserData()->missed, true)) return;
  us_socket_shutdown(0, reinterpret_cast<us_socket_t*>(socket));  // nothing is written any more
  missed_.push_back(socket);
}

void chat::end_missed() {
  while (!missed_.empty()) {
    auto* const socket = missed_.back();
    missed_.pop_back();
    socket->close();
  }
}

void chat::alive(socket_t* socket) {
  socket->getUserData()->heard = ticks_;
  delivery_.served(socket);
}

void chat::received(socket_t* socket, std::string_view text, uWS::OpCode kind) {
  socket->getUserData()->heard = ticks_;
  if (text.size() > message_bytes_max) return delivery_.end(socket, 1009, "Message too big");
  auto const request = parsed(kind == uWS::OpCode::TEXT ? text : "");
  if (!request) return delivery_.end(socket, 1003, "Malformed message");
  try {
    delivery_.call(socket, [&] { serve(socket, *request); });
  } catch (refusal const& why) {
    send(socket, {{"type", "error"}, {"code", why.code}, {"message", why.message}});
  }
  delivery_.served(socket);
}

void chat::serve(socket_t* socket, request const& request) {
  auto const& who = *socket->getUserData();
  auto const type = string_field(request, "type");
  if (type == "join") {
    join(socket, name_field(request, "room"));
  } else if (type == "leave") {
    leave(socket, name_field(request, "room"));
  } else if (type == "message") {
    auto const room = name_field(request, "room");
    auto const content = string_field(request, "content");
    if (!who.rooms.contains(room)) throw not_joined;
    publish(topic_of_room(room), {{"type", "message"},
                                  {"room", room},
                                  {"user", who.user},
                                  {"content", content},
                                  {"timestamp", now_ms()}});
  } else if (type == "direct") {
    auto const to = topic_of_user(name_field(request, "to"));
    auto const content = string_field(request, "content");
    if (!delivery_.reaches_anybody(to)) {
      throw refusal{"no_such_user", "nobody by that name is connected"};
    }
    publish(
        to,
        {{"type", "direct"}, {"user", who.user}, {"content", content}, {"timestamp", now_ms()}});
  } else if (type == "heartbeat") {
    send(socket, {{"type", "heartbeat"}, {"timestamp", now_ms()}});
  } else if (auto const build = commit_fault(type, request)) {
    send(socket, {{"type", type}, {"build", *build}});
  }
}

void chat::join(socket_t* socket, std::string const& room) {
  auto& who = *socket->getUserData();
  auto const joined = presence("user_joined", room, who.user);
  if (who.rooms.contains(room)) return send(socket, joined);
  if (who.rooms.size() == rooms_max) throw refusal{"too_many_rooms", "64 rooms are the most"};
  who.rooms.insert(room);
  delivery_.join(socket, topic_of_room(room));
  publish(topic_of_room(room), joined);
}

void chat::leave(socket_t* socket, std::string const& room) {
  auto& who = *socket->getUserData();
  if (who.rooms.erase(room) == 0) throw not_joined;
  delivery_.leave(socket, topic_of_room(room));
  publish(topic_of_room(room), presence("user_left", room, who.user));
}

void chat::send(socket_t* socket, message const& message) {
  delivery_.send(socket, message.dump());
}

void chat::publish(std::string const& topic, message const& message) {
  delivery_.publish(topic, message.dump());
}

/// A process that stood still has one tick for all that it missed: so nobody is judged before
/// what came meanwhile was read, if silence counts from the second tick on.
void chat::tick() {
  ++ticks_;
  auto const ticks = [this](int ms) { return std::uint64_t(ms / settings_.tick_ms); };
  // From the end, where a socket that closes is replaced by one that was seen.
  for (auto index = sockets_.size(); index-- > 0;) {
    auto* const socket = sockets_[index];
    auto& who = *socket->getUserData();
    if (ticks_ - who.heard > ticks(settings_.idle_timeout_ms) + 1) {
      delivery_.end(socket, 1001, "Heartbeat timeout");
    } else if (ticks_ - who.pinged >= ticks(settings_.ping_interval_ms)) {
      who.pinged = ticks_;
      socket->send("", uWS::OpCode::PING);
    }
  }
}

void chat::close_all() {
  stopping_ = true;
  while (!sockets_.empty()) delivery_.end(sockets_.back(), 1012, "Server stops");
}
