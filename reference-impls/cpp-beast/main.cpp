#include <boost/asio/signal_set.hpp>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>

#include "listener.hpp"

namespace {

constexpr std::chrono::seconds drain_timeout{3};

std::string setting(char const* name, char const* otherwise) {
  char const* const value = std::getenv(name);
  return value ? value : otherwise;
}

unsigned number(char const* name, char const* otherwise, unsigned max) {
  auto const text = setting(name, otherwise);
  unsigned value = 0;
  auto const end = text.data() + text.size();
  auto const [stopped, failed] = std::from_chars(text.data(), end, value);
  if (failed != std::errc() || stopped != end || value > max) {
    throw std::invalid_argument(std::string(name) + " is '" + text +
                                "': it must be a number up to " + std::to_string(max));
  }
  return value;
}

void print_versions() {
  std::cout << "compiler " << __VERSION__ << "\nBoost.Beast " << BOOST_VERSION / 100000 << '.'
            << BOOST_VERSION / 100 % 1000 << '.' << BOOST_VERSION % 100 << "\nnlohmann/json "
            << NLOHMANN_JSON_VERSION_MAJOR << '.' << NLOHMANN_JSON_VERSION_MINOR << '.'
            << NLOHMANN_JSON_VERSION_PATCH << '\n';
}

void serve() {
  constexpr unsigned day_ms = 86'400'000;
  chat::timing const timing{
      std::chrono::milliseconds(number("CHAT_PING_INTERVAL_MS", "30000", day_ms)),
      std::chrono::milliseconds(number("CHAT_IDLE_TIMEOUT_MS", "60000", day_ms))};
  auto const host = setting("CHAT_HOST", "127.0.0.1");
  auto const port = static_cast<std::uint16_t>(number("CHAT_PORT", "4000", 65'535));

  chat::rooms rooms;
  boost::asio::io_context io(1);
  boost::asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&io](auto, auto) { io.stop(); });
  chat::listener listener = [&] {
    try {
      return chat::listener(io, host, port, rooms, timing);
    } catch (boost::system::system_error const& why) {
      throw std::runtime_error("can't listen on " + host + ":" + std::to_string(port) + ": " +
                               why.code().message());
    }
  }();
  io.run();

  listener.stop();
  rooms.close_all(boost::beast::websocket::close_code::service_restart, "Server stops");
  io.restart();
  // It ends as soon as no connection is left.
  io.run_for(drain_timeout);
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1 && std::strcmp(arguments[1], "--version") == 0) return print_versions(), 0;
  try {
    serve();
  } catch (std::exception const& why) {
    std::cerr << "chat_beast: " << why.what() << '\n';
    return EXIT_FAILURE;
  }
}
