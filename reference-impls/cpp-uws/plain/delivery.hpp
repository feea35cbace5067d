#pragma once

#include <App.h>

#include <string>
#include <string_view>

struct member;
using socket_t = uWS::WebSocket</*SSL=*/false, /*isServer=*/true, member>;

/// What waits for a connection is with the library.
struct outbox {};

/// How messages get to sockets: topics of uWebSockets, which sends what one turn of its loop
/// published to a socket together.
class delivery {
 public:
  explicit delivery(uWS::App& app) : app_(app) {}

  void join(socket_t* socket, std::string const& topic) { socket->subscribe(topic); }
  /// Of a socket that has closed the library has ended the subscriptions: nothing happens.
  void leave(socket_t* socket, std::string const& topic) { socket->unsubscribe(topic); }
  bool reaches_anybody(std::string const& topic) const { return app_.numSubscribers(topic) > 0; }

  /// To whoever has joined, the publisher too: WebSocket::publish would leave it out.
  void publish(std::string const& topic, std::string_view text) {
    app_.publish(topic, text, uWS::OpCode::TEXT);
  }

  void send(socket_t* socket, std::string_view text) { socket->send(text, uWS::OpCode::TEXT); }
  void end(socket_t* socket, int code, std::string_view reason) { socket->end(code, reason); }

  /// Calls a handler. What it throws goes through uSockets, which is C, and ends the program.
  void call(socket_t*, auto const& handler) { handler(); }
  /// A handler of this socket has served what it was called for.
  void served(socket_t*) {}
  void drained(socket_t*) {}
  void closed(socket_t*) {}

 private:
  uWS::App& app_;
};
