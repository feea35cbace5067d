#include "settings.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <stdexcept>

namespace {

constexpr int port_max = 65'535;

std::string text(char const* name, char const* otherwise) {
  char const* const given = std::getenv(name);
  return given ? given : otherwise;
}

int number(char const* name, char const* otherwise, int max = std::numeric_limits<int>::max()) {
  auto const given = text(name, otherwise);
  int value = 0;
  auto const [end, failed] = std::from_chars(given.data(), given.data() + given.size(), value);
  if (failed == std::errc{} && end == given.data() + given.size() && value >= 1 && value <= max) {
    return value;
  }
  throw std::invalid_argument(std::string(name) + " must be a whole number from 1 to " +
                              std::to_string(max));
}

/// uSockets would ask a name server.
std::string address(char const* name, char const* otherwise) {
  auto given = text(name, otherwise);
  in6_addr parsed;
  if (inet_pton(AF_INET, given.c_str(), &parsed) == 1) return given;
  if (inet_pton(AF_INET6, given.c_str(), &parsed) == 1) return given;
  throw std::invalid_argument(std::string(name) + " must be an IP address");
}

}  // namespace

settings settings_from_environment() {
  settings given{.host = address("CHAT_HOST", "127.0.0.1"),
                 .port = number("CHAT_PORT", "4000", port_max),
                 .backlog = number("CHAT_BACKLOG", "4096", port_max),
                 .reuse_port = text("CHAT_REUSE_PORT", "") == "1",
                 .ping_interval_ms = number("CHAT_PING_INTERVAL_MS", "30000"),
                 .idle_timeout_ms = number("CHAT_IDLE_TIMEOUT_MS", "60000"),
                 .tick_ms = 0};
  given.tick_ms =
      std::clamp(std::min(given.ping_interval_ms, given.idle_timeout_ms) / 10, 10, 1'000);
  return given;
}
