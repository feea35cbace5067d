#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "chinwag/error.hpp"

namespace chinwag {

// What happens to a connection that takes what is sent to it too slowly.
enum class slow_consumer_policy : std::uint8_t {
  close,  // close 1013
  skip,   // its cursors go to the newest message; it is told what it missed
};

// Every setting of a server. The unit is in the name; a limit is the highest value that is served.
struct options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 4000;  // 0: any free port
  std::uint32_t workers = 1;

  std::string allowed_origins = "same-host";  // or *, or origins with commas between them
  bool serve_health = true;
  bool serve_metrics = true;

  std::uint32_t ping_interval_ms = 30'000;
  std::uint32_t idle_timeout_ms = 60'000;
  std::uint32_t handshake_timeout_ms = 10'000;
  std::uint32_t stall_timeout_ms = 10'000;
  std::uint32_t close_timeout_ms = 5'000;
  std::uint32_t close_total_timeout_ms = 20'000;

  std::uint32_t pending_bytes_max = 1024 * 1024;
  slow_consumer_policy slow_consumer = slow_consumer_policy::close;
  std::uint32_t rooms_per_connection_max = 64;
  std::uint32_t header_bytes_max = 8 * 1024;
  std::uint32_t http_requests_per_connection_max = 1'000;

  std::uint32_t connections_max = 1'000'000;
  std::uint32_t connections_per_user_max = 1'000;
  std::uint32_t connections_per_address_max = 0;  // 0: any number
  std::uint32_t rooms_max = 1'000'000;

  std::uint64_t memory_bytes_max = 1024 * 1024 * 1024;
  std::uint32_t requests_per_second_max = 50'000;
  std::uint32_t fanout_bytes_per_second_max = 4'000'000'000;

  std::uint32_t undecided_bytes_max = 64 * 1024 * 1024;
  std::uint32_t calls_bytes_max = 64 * 1024 * 1024;

  bool echo = false;
  std::uint32_t echo_bytes_max = 16 * 1024 * 1024;

  std::uint32_t read_bytes_per_turn = 64 * 1024;
  std::uint32_t accepts_per_turn = 256;
  std::uint32_t sends_per_room_turn = 512;
  std::uint32_t turn_us = 2'000;
  std::uint32_t room_backlog_bytes_max = 256 * 1024;
  std::uint32_t hold_back_ms = 500;
  std::uint32_t listen_backlog = 4'096;
};

// One option as text sees it: for flags, environment, files and bindings alike.
struct option_info {
  const char* name;      // of the field in options
  const char* variable;  // of the environment
  const char* help;
  std::uint64_t least;  // bounds of numbers; both 0 for other types
  std::uint64_t most;
};

// All options in the order of the struct.
std::span<const option_info> option_list();

// Sets one option from text: a number, true or false, or a word.
status set_option(options& target, std::string_view name, std::string_view value);

// The option's value as text that set_option takes. Empty for a name that no option has.
std::string get_option(const options& source, std::string_view name);

// Checks every option against its bounds.
status validate(const options& candidate);

}  // namespace chinwag
