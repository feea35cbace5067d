#pragma once

#include <App.h>

#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

struct member;
using socket_t = uWS::WebSocket</*SSL=*/false, /*isServer=*/true, member>;

/// A text message as it goes over the wire, made once for all who get it.
struct frame {
  std::string bytes;
  std::size_t header_bytes;

  std::string_view text() const { return std::string_view(bytes).substr(header_bytes); }
};

/// What waits for a connection and is not yet with the library.
struct outbox {
  std::vector<std::shared_ptr<frame const>> frames;
  std::size_t bytes = 0;
  std::size_t turn_index = 0;  // in delivery's list of this turn, counted from 1
  bool overrun = false;        // too much waited: the turn ends the connection
};

/// How messages get to sockets: each has an outbox, which is written as a whole once a turn of the
/// loop. A socket whose last write was cut short is left alone until it drains.
class delivery {
 public:
  explicit delivery(uWS::App& app);

  void join(socket_t* socket, std::string const& topic);
  void leave(socket_t* socket, std::string const& topic);
  bool reaches_anybody(std::string const& topic) const;
  /// To whoever has joined, the publisher too.
  void publish(std::string const& topic, std::string_view text);
  void send(socket_t* socket, std::string_view text);
  void end(socket_t* socket, int code, std::string_view reason);

  /// Calls a handler. What it throws costs its own connection alone.
  void call(socket_t* socket, auto const& handler) try {
    handler();
  } catch (std::exception const& why) {
    std::cerr << "a handler threw: " << why.what() << '\n';
    end(socket, 1011, "Internal error");
  }
  /// A handler of this socket has served what it was called for.
  void served(socket_t* socket);
  void drained(socket_t* socket);
  void closed(socket_t* socket);

 private:
  void post(socket_t* socket, std::shared_ptr<frame const> const& frame);
  void note(socket_t* socket);
  void hand_over(socket_t* socket);
  void write(socket_t* socket);
  void check_limit(socket_t* socket);
  void end_turn();

  std::unordered_map<std::string, std::vector<socket_t*>> topics_;
  std::vector<socket_t*> turn_;  // whom something was posted to; nullptr where one has closed
  std::string batch_;
};
