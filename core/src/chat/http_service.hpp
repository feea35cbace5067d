#pragma once

#include <span>
#include <string>
#include <unordered_map>

#include "chat/protocol.hpp"
#include "connection/lifecycle.hpp"
#include "state/context.hpp"
#include "state/outboxes.hpp"
#include "state/users.hpp"
#include "wire/http.hpp"

namespace chinwag {

// Serves a connection until it is a WebSocket: the upgrade on /ws (and /echo), /health, /metrics.
class http_service {
 public:
  http_service(context& shared, outboxes& outboxes, users& users, lifecycle& lifecycle,
               protocol& protocol)
      : shared_(shared),
        outboxes_(outboxes),
        users_(users),
        lifecycle_(lifecycle),
        protocol_(protocol) {}

  // Serves the request at the front of `input` and takes it off. False if it is not complete yet.
  bool serve(connection_id id, std::span<char>& input);

  // Whether its upgrade waits for other nodes: nothing more is served before.
  bool waits(connection_id id) const {
    return !entering_.empty() && entering_.contains(shared_.handle_of(id));
  }
  // It waits no longer. For one that is gone it does nothing.
  void enter(connection_handle who);

 private:
  // A connection whose upgrade was asked for.
  struct entrant {
    std::string user;
    std::string response;
  };

  void route(connection_id id, const http_request& asked);
  void upgrade(connection_id id, const http_request& asked);
  void enter_chat(connection_id id, const http_request& asked);
  void begin_chat(connection_id id, const entrant& one);
  void respond(connection_id id, const http_request& asked, http_response response);
  // Answers and closes.
  void refuse(connection_id id, const http_request& asked, unsigned code, std::string_view text);
  std::string health() const;

  context& shared_;
  outboxes& outboxes_;
  users& users_;
  lifecycle& lifecycle_;
  protocol& protocol_;
  std::unordered_map<connection_handle, entrant> entering_;
};

}  // namespace chinwag
