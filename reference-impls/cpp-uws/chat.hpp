#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "delivery.hpp"
#include "json.hpp"
#include "settings.hpp"

/// What a connection holds; it lives in the WebSocket, as uWebSockets advises.
struct member {
  std::string user;
  std::unordered_set<std::string> rooms;
  std::uint64_t heard = 0;   // the tick of the last frame
  std::uint64_t pinged = 0;  // the tick of the last ping
  std::size_t index = 0;     // in chat's list of all sockets
  bool missed = false;       // a message: it ends
  outbox waiting = {};
};

/// Who is connected, and what they ask of each other. Rooms and users are topics of `delivery`.
class chat {
 public:
  chat(uWS::App& app, settings const& settings) : delivery_(app), settings_(settings) {}

  void opened(socket_t* socket);
  void received(socket_t* socket, std::string_view text, uWS::OpCode kind);
  /// A ping, which the library has answered, or a pong came.
  void alive(socket_t* socket);
  /// It missed a message: it gets none after that, and ends. To end it here would call handlers
  /// amid the library's loop over a topic.
  void missed(socket_t* socket);
  /// Ends whom `missed` was told of. Outside of handlers.
  void end_missed();
  void drained(socket_t* socket) { delivery_.drained(socket); }
  void closed(socket_t* socket);
  /// Pings, and closes who is silent for too long.
  void tick();
  void close_all();

 private:
  void serve(socket_t* socket, request const& request);
  void join(socket_t* socket, std::string const& room);
  void leave(socket_t* socket, std::string const& room);
  void send(socket_t* socket, message const& message);
  void publish(std::string const& topic, message const& message);

  delivery delivery_;
  settings const& settings_;
  std::vector<socket_t*> sockets_;
  std::vector<socket_t*> missed_;
  std::uint64_t ticks_ = 0;
  bool stopping_ = false;
};

/// 1 to 64 bytes without control characters. The text must be UTF-8.
bool valid_name(std::string_view name);
