#include "chat/http_service.hpp"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "chinwag/version.hpp"
#include "wire/http.hpp"
#include "wire/origin.hpp"

namespace chinwag {

namespace {

constexpr std::string_view text_type = "text/plain; charset=utf-8";
constexpr std::string_view json_type = "application/json";
constexpr std::string_view metrics_type = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace

bool http_service::serve(connection_id id, std::span<char>& input) {
  http_request asked;
  const std::string_view bytes{input.data(), input.size()};
  const http_parse outcome = parse_http(bytes, shared_.limits.header_bytes_max, asked);
  if (outcome == http_parse::incomplete) return false;
  shared_.counts.http_requests.add();
  if (outcome == http_parse::complete) {
    input = input.subspan(asked.size);
    const std::uint32_t served = ++shared_.truth.connections[id].http_requests;
    if (served >= shared_.limits.http_requests_per_connection_max) asked.keep_alive = false;
    route(id, asked);
  } else {
    input = {};
    const bool large = outcome == http_parse::too_large;
    refuse(id, asked, large ? 431 : 400,
           large ? "the header is too large\n" : "not an HTTP request\n");
  }
  return true;
}

void http_service::route(connection_id id, const http_request& asked) {
  // A request starts the clock for the next one, whatever its answer.
  shared_.truth.connections[id].since = shared_.clock.now();
  const options& limits = shared_.limits;
  const bool socket = asked.path == "/ws" || (limits.echo && asked.path == "/echo");
  const bool health_wanted = limits.serve_health && asked.path == "/health";
  const bool metrics_wanted = limits.serve_metrics && asked.path == "/metrics";
  if (asked.body) return refuse(id, asked, 400, "no request here has a body\n");
  if (!socket && !health_wanted && !metrics_wanted) {  // H3
    return respond(id, asked, {404, text_type, "not here; try /ws\n"});
  }
  if (!asked.get && !asked.head) return refuse(id, asked, 405, "only GET and HEAD are served\n");
  if (socket) return upgrade(id, asked);
  if (health_wanted) return respond(id, asked, {200, json_type, health()});
  std::string numbers = prometheus_text(shared_.counts.read());
  if (shared_.others != nullptr) numbers += prometheus_text(shared_.others->read());
  respond(id, asked, {200, metrics_type, std::move(numbers)});
}

void http_service::upgrade(connection_id id, const http_request& asked) {
  if (shared_.memory_scarce()) {
    return refuse(id, asked, 503, "no memory is left for more connections\n");
  }
  if (!asked.upgrade || asked.websocket_version != "13") {  // H2, H9
    return refuse(id, asked, 426, "a WebSocket upgrade of version 13 is required\n");
  }
  if (!is_websocket_key(asked.websocket_key)) {  // H9
    return refuse(id, asked, 400, "Sec-WebSocket-Key is not 16 bytes of base64\n");
  }
  if (!asked.origin.empty() &&  // H8
      !allows_origin(shared_.limits.allowed_origins, asked.origin, asked.host)) {
    return refuse(id, asked, 403, "pages of this origin may not connect\n");
  }
  if (asked.path != "/echo") return enter_chat(id, asked);
  outboxes_.add_raw(id, write_upgrade(websocket_accept(asked.websocket_key)));
  lifecycle_.begin_echo(id);
}

void http_service::enter_chat(connection_id id, const http_request& asked) {
  asked_user user = user_from_query(asked.query);
  if (!user.valid) {  // H6
    return refuse(id, asked, 400,
                  "'user' must be 1 to 64 bytes of UTF-8 without control characters\n");
  }
  if (user.name == program_name) {  // H6
    return refuse(id, asked, 403, "this name is the server's own\n");
  }
  if (user.name.empty()) {  // H5
    auto name = random_user();
    if (!name) return refuse(id, asked, 503, "no random numbers: give a user name\n");
    user.name = std::move(*name);
  }
  if (users_.count(user.name) >= shared_.limits.connections_per_user_max) {
    return refuse(id, asked, 503, "this user has as many connections as one may have\n");
  }
  entrant one{std::move(user.name), write_upgrade(websocket_accept(asked.websocket_key))};
  // Whoever has been welcomed is reached from all nodes.
  if (shared_.others != nullptr && shared_.others->wait_to_enter(one.user, id)) {
    entering_.insert_or_assign(shared_.handle_of(id), std::move(one));
    return;
  }
  begin_chat(id, one);
}

void http_service::begin_chat(connection_id id, const entrant& one) {
  outboxes_.add_raw(id, one.response);
  lifecycle_.begin_chat(id, one.user);
  protocol_.welcome(id);
}

void http_service::enter(connection_handle who) {
  const auto entering = entering_.extract(who);
  const connection_id id = shared_.find(who);
  if (entering.empty() || id == no_id) return;
  if (shared_.truth.connections[id].phase == connection_phase::http) {
    begin_chat(id, entering.mapped());
  }
}

void http_service::respond(connection_id id, const http_request& asked, http_response response) {
  response.keep_alive = asked.keep_alive;
  response.head = asked.head;
  outboxes_.add_raw(id, write_http(response));
  if (!response.keep_alive) lifecycle_.finish_http(id);
}

void http_service::refuse(connection_id id, const http_request& asked, unsigned code,
                          std::string_view text) {
  outboxes_.add_raw(id, write_http({.code = code, .body = std::string(text), .head = asked.head}));
  lifecycle_.finish_http(id);
}

std::string http_service::health() const {
  const auto pid = ::getpid();
  nlohmann::ordered_json report = {{"status", "ok"},
                                   {"implementation", "chinwagd"},
                                   {"version", version},
                                   {"pid", pid},
                                   {"workers", {pid}}};
  if (shared_.others != nullptr) report["backplane"] = shared_.others->read().up ? "up" : "down";
  return report.dump() + "\n";
}

}  // namespace chinwag
