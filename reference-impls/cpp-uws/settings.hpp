#pragma once

#include <string>

/// What may wait for one connection before it ends.
constexpr unsigned pending_bytes_max = 1 << 20;

/// Milliseconds where a name says so.
struct settings {
  std::string host;
  int port;
  int backlog;
  bool reuse_port;  // another process may listen there as well
  int ping_interval_ms;
  int idle_timeout_ms;
  int tick_ms;  // what the two are counted in
};

/// From the environment. Throws std::invalid_argument, which says what is wrong.
settings settings_from_environment();
