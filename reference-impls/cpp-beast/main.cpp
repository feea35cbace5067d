#include <unistd.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "connection.hpp"
#include "names.hpp"
#include "settings.hpp"

namespace {

using net::ip::tcp;
using socket_type = tcp_stream::socket_type;
using acceptor_type = net::basic_socket_acceptor<tcp, tcp_executor>;
using namespace std::chrono_literals;

constexpr std::uint32_t header_bytes_max = 65'536;
constexpr auto request_timeout = 10s;
constexpr auto drain_timeout = 3s;

std::string health() {
  nlohmann::json fields{{"status", "ok"}, {"implementation", "cpp-beast"}, {"version", "0.1.0"}};
  fields["pid"] = getpid();
  fields["workers"] = nlohmann::json::array({getpid()});
  return fields.dump();
}

using request_head = http::request<http::empty_body>;

net::awaitable<void> answer(tcp_stream& stream, request_head const& request, http::status status,
                            std::string body) {
  http::response<http::string_body> response(status, 11, std::move(body));
  response.set(http::field::content_type, "application/json");
  response.keep_alive(false);
  response.prepare_payload();
  http::response_serializer<http::string_body> serializer(response);
  if (request.method() == http::verb::head) {
    co_await http::async_write_header(stream, serializer, net::use_awaitable);
  } else {
    co_await http::async_write(stream, serializer, net::use_awaitable);
  }
}

/// A list may come in several lines, of which Beast sees the first alone.
void join_lines(request_head& request, http::field name) {
  auto const [first, last] = request.equal_range(name);
  std::string joined;
  for (auto line = first; line != last; ++line) {
    joined.append(line == first ? "" : ", ").append(line->value().data(), line->value().size());
  }
  if (first != last) request.set(name, joined);
}

/// Of two values it is anybody's guess which one counts.
bool has_one_of_each(request_head const& request) {
  using enum http::field;
  return request.count(host) == 1 && request.count(sec_websocket_key) < 2 &&
         request.count(sec_websocket_version) < 2;
}

/// A target without the scheme and the authority that a proxy is sent.
std::string_view origin_form(std::string_view target) {
  auto const scheme = target.find("://");
  if (target.starts_with('/') || scheme == target.npos) return target;
  auto const path = target.find_first_of("/?", scheme + 3);
  return path == target.npos ? "/" : target.substr(path);
}

/// One HTTP request, which becomes a WebSocket or is answered and over.
net::awaitable<void> serve(socket_type socket, rooms& rooms, timing timing) {
  tcp_stream stream(std::move(socket));
  beast::flat_buffer inbox;
  http::request_parser<http::empty_body> parser;
  parser.header_limit(header_bytes_max);
  stream.expires_after(request_timeout);
  co_await http::async_read(stream, inbox, parser, net::use_awaitable);

  auto& request = parser.get();
  join_lines(request, http::field::connection);
  join_lines(request, http::field::upgrade);
  auto const target = origin_form({request.target().data(), request.target().size()});
  auto const path = target.substr(0, target.find('?'));
  auto user = user_of(target);
  if (!has_one_of_each(request)) {
    co_await answer(stream, request, http::status::bad_request, R"({"error":"one Host, one key"})");
  } else if (path == "/health") {
    co_await answer(stream, request, http::status::ok, health());
  } else if (path != "/ws") {
    co_await answer(stream, request, http::status::not_found, R"({"error":"not found"})");
  } else if (!websocket::is_upgrade(request) || inbox.size() > 0 || !valid_name(user)) {
    // Beast would drop frames that came with the request.
    co_await answer(stream, request, http::status::bad_request,
                    R"({"error":"no upgrade, or a bad user"})");
  } else {
    std::make_shared<connection>(tcp_layer(std::move(stream)), std::move(user), rooms, timing)
        ->run(request);
  }
}

net::awaitable<void> accept(acceptor_type& acceptor, rooms& rooms, timing timing) {
  auto const executor = acceptor.get_executor();
  while (acceptor.is_open()) {
    auto [failed, socket] = co_await acceptor.async_accept(net::as_tuple(net::use_awaitable));
    if (!failed) {
      socket.set_option(tcp::no_delay(true), failed);
      net::co_spawn(executor, serve(std::move(socket), rooms, timing), net::detached);
    } else {
      // Most likely out of file descriptors: asking again at once would only heat the processor.
      co_await net::steady_timer(executor, 100ms).async_wait(net::use_awaitable);
    }
  }
}

/// A service manager's socket (sd_listen_fds(3)), which a successor gets, too, or one of its own.
void listen(acceptor_type& acceptor, tcp::endpoint const& endpoint, int backlog) {
  if (setting("LISTEN_FDS", "") == "1" && setting("LISTEN_PID", "") == std::to_string(getpid())) {
    return acceptor.assign(endpoint.protocol(), 3);
  }
  acceptor.open(endpoint.protocol());
  acceptor.set_option(acceptor_type::reuse_address(true));
  acceptor.bind(endpoint);
  acceptor.listen(backlog);
}

}  // namespace

int main() try {
  timing const timing{setting("CHAT_PING_INTERVAL_MS", 30'000, timer_ms_max) * 1ms,
                      setting("CHAT_IDLE_TIMEOUT_MS", 60'000, timer_ms_max) * 1ms};
  beast::error_code no_address;
  auto const address = net::ip::make_address(setting("CHAT_HOST", "127.0.0.1"), no_address);
  if (no_address) throw std::invalid_argument("CHAT_HOST must be an IP address");
  auto const port = static_cast<net::ip::port_type>(setting("CHAT_PORT", 4000, 65'535));

  rooms rooms;
  net::io_context io(1);
  net::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&io](auto, auto) { io.stop(); });
  prepare(io);
  acceptor_type acceptor(io);
  listen(acceptor, {address, port}, static_cast<int>(setting("CHAT_BACKLOG", 4096, 65'535)));
  net::co_spawn(io, accept(acceptor, rooms, timing), net::detached);
  io.run();

  acceptor.close();
  rooms.close_all();
  io.restart();
  // It ends as soon as no connection is left.
  io.run_for(drain_timeout);
} catch (std::exception const& why) {
  std::cerr << "chat_beast can't serve: " << why.what() << '\n';
  return EXIT_FAILURE;
}
