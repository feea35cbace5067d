#pragma once

#include <span>

#include "context.hpp"
#include "http.hpp"
#include "lifecycle.hpp"
#include "outboxes.hpp"
#include "protocol.hpp"

namespace chinwag {

// Serves a connection until it is a WebSocket: the upgrade on /ws (and /echo), /health, /metrics.
class http_service {
 public:
  http_service(context& shared, outboxes& boxes, lifecycle& life, protocol& chat)
      : shared_(shared), boxes_(boxes), life_(life), chat_(chat) {}

  // Serves the request at the front of `input` and takes it off. False if it is not complete yet.
  bool serve(connection_id id, std::span<char>& input);

 private:
  void route(connection_id id, const http_request& asked);
  void upgrade(connection_id id, const http_request& asked);
  void enter_chat(connection_id id, const http_request& asked);
  void respond(connection_id id, const http_response& response);
  void refuse(connection_id id, unsigned code, std::string_view text);
  std::string health() const;

  context& shared_;
  outboxes& boxes_;
  lifecycle& life_;
  protocol& chat_;
};

}  // namespace chinwag
