// A chat server with a filter. Usage: chat_server [PORT]
#include <chinwag/server.hpp>
#include <cstdlib>
#include <iostream>

int main(int count, char** arguments) {
  chinwag::options settings;
  if (count > 1) settings.port = static_cast<std::uint16_t>(std::atoi(arguments[1]));
  const auto filter = [](const chinwag::message_request& asked) -> chinwag::verdict {
    if (asked.content.find("spam") == std::string_view::npos) return {};
    return {chinwag::verdict::kind::refuse, "no spam"};
  };
  chinwag::server server(settings, {}, {.message = filter});
  const chinwag::listen_result listening = server.listen();
  std::cout << (listening ? "ws://127.0.0.1:" + std::to_string(listening.port) + "/ws"
                          : listening.outcome.text)
            << std::endl;
  return listening && server.run() ? 0 : 1;
}
