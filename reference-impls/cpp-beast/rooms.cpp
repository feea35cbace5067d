#include "rooms.hpp"

#include "connection.hpp"
#include "faults.hpp"
#include "names.hpp"

namespace {

constexpr std::size_t rooms_max = 64;
constexpr auto stops = "Server stops";

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

shared_text presence(char const* type, std::string const& room, std::string const& user) {
  return encoded({{"type", type}, {"room", room}, {"user", user}, {"timestamp", now_ms()}});
}

void deliver(std::unordered_set<connection*> const& all, shared_text const& text) {
  for (auto* const each : all) each->send(text);
}

void publish(auto& all, std::string const& name, shared_text const& text) {
  auto const found = all.find(name);
  if (found != all.end()) deliver(found->second, text);
}

void take_out(auto& all, std::string const& name, connection& who) {
  all[name].erase(&who);
  if (all[name].empty()) all.erase(name);
}

}  // namespace

void rooms::enter(connection& who) {
  users_[who.user].insert(&who);
  if (stopping_) return who.close(websocket::close_code::service_restart, stops);
  who.send(encoded({{"type", "welcome"}, {"user", who.user}}));
}

void rooms::exit(connection& who) {
  take_out(users_, who.user, who);
  for (auto const& room : std::unordered_set(who.joined)) leave(who, room);
}

void rooms::serve(connection& who, request const& request) try {
  auto const type = string_field(request, "type");
  if (type == "join") {
    join(who, name_field(request, "room"));
  } else if (type == "leave") {
    leave(who, name_field(request, "room"));
  } else if (type == "message") {
    auto const room = name_field(request, "room");
    auto const content = string_field(request, "content");
    if (!who.joined.contains(room)) throw not_joined;
    publish(rooms_, room,
            encoded({{"type", "message"},
                     {"room", room},
                     {"user", who.user},
                     {"content", content},
                     {"timestamp", now_ms()}}));
  } else if (type == "direct") {
    auto const to = name_field(request, "to");
    auto const content = string_field(request, "content");
    if (!users_.contains(to)) throw refusal{"no_such_user", "nobody by that name is connected"};
    auto const text = encoded(
        {{"type", "direct"}, {"user", who.user}, {"content", content}, {"timestamp", now_ms()}});
    publish(users_, to, text);
  } else if (type == "heartbeat") {
    who.send(encoded({{"type", "heartbeat"}, {"timestamp", now_ms()}}));
  } else if (auto const build = commit_fault(type, request)) {
    who.send(encoded({{"type", type}, {"build", *build}}));
  }
} catch (refusal const& why) {
  who.send(encoded({{"type", "error"}, {"code", why.code}, {"message", why.message}}));
}

void rooms::join(connection& who, std::string const& room) {
  auto const joined = presence("user_joined", room, who.user);
  if (who.joined.contains(room)) return who.send(joined);
  if (who.joined.size() == rooms_max) throw refusal{"too_many_rooms", "64 rooms are the most"};
  who.joined.insert(room);
  rooms_[room].insert(&who);
  publish(rooms_, room, joined);
}

void rooms::leave(connection& who, std::string const& room) {
  if (who.joined.erase(room) == 0) throw not_joined;
  take_out(rooms_, room, who);
  publish(rooms_, room, presence("user_left", room, who.user));
}

void rooms::close_all() {
  stopping_ = true;
  for (auto const& [user, connections] : users_) {
    for (auto* const each : connections) each->close(websocket::close_code::service_restart, stops);
  }
}
