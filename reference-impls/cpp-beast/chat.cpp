#include "chat.hpp"

#include <utility>

namespace chat {
namespace {

constexpr std::size_t rooms_max = 64;

template <class Index>
void remove(Index& index, std::string const& name, member& who) {
  auto const found = index.find(name);
  if (found == index.end()) return;
  found->second.erase(&who);
  if (found->second.empty()) index.erase(found);
}

}  // namespace

void rooms::enter(member& who) {
  users_[who.user()].insert(&who);
  who.send(welcome(who.user()));
}

void rooms::exit(member& who) {
  remove(users_, who.user(), who);
  for (auto const& room : std::exchange(who.joined_, {})) {
    remove(rooms_, room, who);
    publish(room, user_left(room, who.user()));
  }
}

void rooms::serve(member& who, std::string_view text) try {
  if (auto const asked = parse(text)) serve(who, *asked);
} catch (bad_request const& why) {
  who.send(error("bad_request", why.what()));
}

void rooms::serve(member& who, request const& asked) {
  switch (asked.what) {
    case request::kind::join:
      return join(who, asked.name);
    case request::kind::direct:
      return deliver(who, asked);
    case request::kind::heartbeat:
      return who.send(heartbeat());
    case request::kind::leave:
    case request::kind::message:
      break;
  }
  if (!who.joined_.contains(asked.name)) {
    who.send(error("not_joined", "this connection is not in that room"));
  } else if (asked.what == request::kind::leave) {
    leave(who, asked.name);
  } else {
    publish(asked.name, message(asked.name, who.user(), asked.content));
  }
}

void rooms::join(member& who, std::string const& room) {
  if (who.joined_.contains(room)) return who.send(user_joined(room, who.user()));
  if (who.joined_.size() == rooms_max) {
    return who.send(error("too_many_rooms", "a connection may be in 64 rooms"));
  }
  who.joined_.insert(room);
  rooms_[room].insert(&who);
  publish(room, user_joined(room, who.user()));
}

void rooms::leave(member& who, std::string const& room) {
  who.joined_.erase(room);
  remove(rooms_, room, who);
  publish(room, user_left(room, who.user()));
}

void rooms::deliver(member& who, request const& asked) {
  auto const found = users_.find(asked.name);
  if (found == users_.end()) {
    return who.send(error("no_such_user", "nobody by that name is connected"));
  }
  auto const text = direct(who.user(), asked.content);
  for (auto* const connection : found->second) connection->send(text);
}

void rooms::publish(std::string const& room, shared_text const& text) {
  auto const found = rooms_.find(room);
  if (found == rooms_.end()) return;
  for (auto* const each : found->second) each->send(text);
}

void rooms::close_all(std::uint16_t code, std::string_view reason) {
  for (auto const& [user, connections] : users_) {
    for (auto* const connection : connections) connection->close(code, reason);
  }
}

}  // namespace chat
