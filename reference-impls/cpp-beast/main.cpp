#include <unistd.h>

#include <boost/lexical_cast.hpp>
#include <cstdlib>
#include <iostream>

#include "connection.hpp"
#include "names.hpp"

namespace {

using net::ip::tcp;
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

net::awaitable<void> answer(tcp_layer& stream, http::status status, std::string body) {
  http::response<http::string_body> response(status, 11, std::move(body));
  response.set(http::field::content_type, "application/json");
  response.keep_alive(false);
  response.prepare_payload();
  co_await http::async_write(stream, response, net::use_awaitable);
}

/// One HTTP request, which becomes a WebSocket or is answered and over.
net::awaitable<void> serve(tcp::socket socket, rooms& rooms, timing timing) {
  tcp_layer stream(std::move(socket));
  beast::flat_buffer inbox;
  http::request_parser<http::empty_body> parser;
  parser.header_limit(header_bytes_max);
  stream.expires_after(request_timeout);
  co_await http::async_read(stream, inbox, parser, net::use_awaitable);

  auto const& request = parser.get();
  std::string_view const target{request.target().data(), request.target().size()};
  auto const path = target.substr(0, target.find('?'));
  auto user = user_of(target);
  if (path == "/health") {
    co_await answer(stream, http::status::ok, health());
  } else if (path != "/ws") {
    co_await answer(stream, http::status::not_found, R"({"error":"not found"})");
  } else if (!websocket::is_upgrade(request) || inbox.size() > 0 || !valid_name(user)) {
    // Beast would drop frames that came with the request.
    co_await answer(stream, http::status::bad_request, R"({"error":"no upgrade, or a bad user"})");
  } else {
    std::make_shared<connection>(std::move(stream), std::move(user), rooms, timing)->run(request);
  }
}

net::awaitable<void> accept(tcp::acceptor& acceptor, rooms& rooms, timing timing) {
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

template <class Number>
Number setting(char const* name, Number otherwise) try {
  char const* const text = std::getenv(name);
  return text ? boost::lexical_cast<Number>(text) : otherwise;
} catch (boost::bad_lexical_cast const&) {
  throw std::invalid_argument(std::string(name) + " must be a number, and not too large");
}

}  // namespace

int main() try {
  timing const timing{setting("CHAT_PING_INTERVAL_MS", 30'000u) * 1ms,
                      setting("CHAT_IDLE_TIMEOUT_MS", 60'000u) * 1ms};
  auto const address = net::ip::make_address(setting<std::string>("CHAT_HOST", "127.0.0.1"));

  rooms rooms;
  net::io_context io(1);
  net::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&io](auto, auto) { io.stop(); });
  tcp::acceptor acceptor(io, {address, setting<std::uint16_t>("CHAT_PORT", 4000)});
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
