#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "messages.hpp"

namespace chat {

/// One end of the conversation, as the rooms see it.
class member {
 public:
  explicit member(std::string user) : user_(std::move(user)) {}
  virtual ~member() = default;
  member(member const&) = delete;
  member& operator=(member const&) = delete;

  /// Puts a message into the member's outbox. Never calls back into the rooms.
  virtual void send(shared_text text) = 0;
  virtual void close(std::uint16_t code, std::string_view reason) = 0;

  std::string const& user() const { return user_; }

 private:
  friend class rooms;
  std::string const user_;
  std::unordered_set<std::string> joined_;
};

/// Who is connected, who is in which room, and what they ask of each other. One thread.
class rooms {
 public:
  void enter(member& who);
  /// The connection has ended, or ends. May be called again.
  void exit(member& who);
  /// Serves one text message. Throws malformed.
  void serve(member& who, std::string_view text);
  void close_all(std::uint16_t code, std::string_view reason);

 private:
  using members = std::unordered_set<member*>;

  void serve(member& who, request const& asked);
  void join(member& who, std::string const& room);
  void leave(member& who, std::string const& room);
  void deliver(member& who, request const& asked);
  void publish(std::string const& room, shared_text const& text);

  std::unordered_map<std::string, members> users_;
  std::unordered_map<std::string, members> rooms_;
};

}  // namespace chat
