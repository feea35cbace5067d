#include "chinwag/options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <variant>

#include "wire/origin.hpp"

namespace chinwag {

namespace {

using option_field =
    std::variant<std::string options::*, std::uint16_t options::*, std::uint32_t options::*,
                 std::uint64_t options::*, bool options::*, slow_consumer_policy options::*>;

struct option_row {
  option_info info;
  option_field field;
};

constexpr std::uint64_t hour_ms = 3'600'000;
constexpr std::uint64_t mib = 1024 * 1024;

const auto rows = std::to_array<option_row>({
    {{"host", "CHAT_HOST", "IP address, or a name of one, to listen on", 0, 0}, &options::host},
    {{"port", "CHAT_PORT", "TCP port; 0 takes any free one", 0, 65'535}, &options::port},
    {{"workers", "CHAT_WORKERS", "processes that serve; this version always serves with one", 1,
      256},
     &options::workers},
    {{"allowed_origins", "CHINWAGD_ALLOWED_ORIGINS",
      "web pages that may connect: same-host, * (any) or origins with commas between them, such as "
      "https://chat.example; what is no web page sends no Origin and may",
      0, 0},
     &options::allowed_origins},
    {{"serve_health", "CHINWAGD_SERVE_HEALTH", "serve /health", 0, 0}, &options::serve_health},
    {{"serve_metrics", "CHINWAGD_SERVE_METRICS", "serve /metrics", 0, 0}, &options::serve_metrics},
    {{"ping_interval_ms", "CHAT_PING_INTERVAL_MS", "time between two pings", 10, hour_ms},
     &options::ping_interval_ms},
    {{"idle_timeout_ms", "CHAT_IDLE_TIMEOUT_MS", "close 1001 after so long without a frame", 10,
      24 * hour_ms},
     &options::idle_timeout_ms},
    {{"handshake_timeout_ms", "CHINWAGD_HANDSHAKE_TIMEOUT_MS",
      "time for an HTTP request to arrive, and between two", 10, hour_ms},
     &options::handshake_timeout_ms},
    {{"stall_timeout_ms", "CHINWAGD_STALL_TIMEOUT_MS",
      "a connection that takes nothing for so long is a slow consumer", 10, hour_ms},
     &options::stall_timeout_ms},
    {{"close_timeout_ms", "CHINWAGD_CLOSE_TIMEOUT_MS",
      "a close that makes no progress for so long ends with a reset", 10, hour_ms},
     &options::close_timeout_ms},
    {{"close_total_timeout_ms", "CHINWAGD_CLOSE_TOTAL_TIMEOUT_MS",
      "time for a close to come through in all, however it goes on", 10, hour_ms},
     &options::close_total_timeout_ms},
    {{"pending_bytes_max", "CHINWAGD_PENDING_BYTES_MAX",
      "a connection with more waiting for it is a slow consumer", 1'024, 1024 * mib},
     &options::pending_bytes_max},
    {{"slow_consumer", "CHINWAGD_SLOW_CONSUMER",
      "what a slow consumer gets: close (1013) or skip (on to the newest message)", 0, 0},
     &options::slow_consumer},
    {{"rooms_per_connection_max", "CHINWAGD_ROOMS_PER_CONNECTION_MAX",
      "rooms that one connection may be in", 1, 64},
     &options::rooms_per_connection_max},
    {{"header_bytes_max", "CHINWAGD_HEADER_BYTES_MAX", "size of an HTTP request's header", 256,
      65'536},
     &options::header_bytes_max},
    {{"http_requests_per_connection_max", "CHINWAGD_HTTP_REQUESTS_PER_CONNECTION_MAX",
      "HTTP requests on one connection before it is closed", 1, 65'535},
     &options::http_requests_per_connection_max},
    {{"connections_max", "CHINWAGD_CONNECTIONS_MAX",
      "connections in all; further ones are refused with 503", 1, 16 * mib},
     &options::connections_max},
    {{"connections_per_user_max", "CHINWAGD_CONNECTIONS_PER_USER_MAX",
      "WebSockets of one user; further ones are refused with 503", 1, 16 * mib},
     &options::connections_per_user_max},
    {{"connections_per_address_max", "CHINWAGD_CONNECTIONS_PER_ADDRESS_MAX",
      "connections of an IPv4 address or an IPv6 /64; further ones are refused with 503; 0: any", 0,
      16 * mib},
     &options::connections_per_address_max},
    {{"rooms_max", "CHINWAGD_ROOMS_MAX",
      "rooms in all; joining a further one is answered unavailable", 1, 16 * mib},
     &options::rooms_max},
    {{"memory_bytes_max", "CHINWAGD_MEMORY_BYTES_MAX",
      "memory of logs and buffers in all; when it is scarce, connections are refused with 503 and "
      "those who hold most are closed",
      mib, 1024 * 1024 * mib},
     &options::memory_bytes_max},
    {{"requests_per_second_max", "CHINWAGD_REQUESTS_PER_SECOND_MAX",
      "requests of one connection in a second, more are answered rate_limited; 0: any", 0,
      UINT32_MAX},
     &options::requests_per_second_max},
    {{"fanout_bytes_per_second_max", "CHINWAGD_FANOUT_BYTES_PER_SECOND_MAX",
      "bytes of one connection's messages, times their receivers, in a second; 0: any", 0,
      UINT32_MAX},
     &options::fanout_bytes_per_second_max},
    {{"undecided_bytes_max", "CHINWAGD_UNDECIDED_BYTES_MAX",
      "requests that wait for a program's handlers; beyond this nobody who sends is read", 65'536,
      1024 * mib},
     &options::undecided_bytes_max},
    {{"calls_bytes_max", "CHINWAGD_CALLS_BYTES_MAX",
      "a program's calls that wait to be served; beyond this they fail with too_many_calls", 65'536,
      1024 * mib},
     &options::calls_bytes_max},
    {{"echo", "CHINWAGD_ECHO", "serve /echo, which returns every message (for test suites)", 0, 0},
     &options::echo},
    {{"echo_bytes_max", "CHINWAGD_ECHO_BYTES_MAX", "size of a message on /echo", 1, 1024 * mib},
     &options::echo_bytes_max},
    {{"read_bytes_per_turn", "CHINWAGD_READ_BYTES_PER_TURN",
      "bytes read from one connection in a turn of the loop", 1, mib},
     &options::read_bytes_per_turn},
    {{"accepts_per_turn", "CHINWAGD_ACCEPTS_PER_TURN", "connections accepted in a turn", 1, 65'536},
     &options::accepts_per_turn},
    {{"sends_per_room_turn", "CHINWAGD_SENDS_PER_ROOM_TURN",
      "members of one room served in a turn before other rooms have theirs", 1, mib},
     &options::sends_per_room_turn},
    {{"turn_us", "CHINWAGD_TURN_US", "microseconds that a turn aims at", 100, 1'000'000},
     &options::turn_us},
    {{"room_backlog_bytes_max", "CHINWAGD_ROOM_BACKLOG_BYTES_MAX",
      "a room with more yet to be sent is not read for until it was", 1'024, 1024 * mib},
     &options::room_backlog_bytes_max},
    {{"hold_back_ms", "CHINWAGD_HOLD_BACK_MS",
      "for how long a member that reads slowly may hold back those who publish", 0, 60'000},
     &options::hold_back_ms},
    {{"listen_backlog", "CHAT_BACKLOG",
      "connections that wait to be accepted; the kernel keeps it within net.core.somaxconn", 1,
      65'535},
     &options::listen_backlog},
});

const option_row* find_row(std::string_view name) {
  const auto* row = std::find_if(rows.begin(), rows.end(),
                                 [&](const option_row& r) { return name == r.info.name; });
  return row == rows.end() ? nullptr : row;
}

std::optional<std::uint64_t> parse_number(std::string_view text, const option_info& info) {
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (number < info.least || number > info.most) return std::nullopt;
  return number;
}

// Sets the field that it visits; false if the text does not fit it.
struct setter {
  options& target;
  const option_info& info;
  std::string_view text;

  bool operator()(std::string options::*field) const {
    if (text.empty()) return false;
    if (field == &options::allowed_origins && !is_origin_list(text)) return false;
    target.*field = text;
    return true;
  }
  bool operator()(bool options::*field) const {
    if (text != "true" && text != "false" && text != "1" && text != "0") return false;
    target.*field = text == "true" || text == "1";
    return true;
  }
  bool operator()(slow_consumer_policy options::*field) const {
    if (text != "close" && text != "skip") return false;
    target.*field = text == "skip" ? slow_consumer_policy::skip : slow_consumer_policy::close;
    return true;
  }
  template <typename Number>
  bool operator()(Number options::*field) const {
    const auto number = parse_number(text, info);
    if (number) target.*field = static_cast<Number>(*number);
    return number.has_value();
  }
};

struct getter {
  const options& source;

  std::string operator()(std::string options::*field) const { return source.*field; }
  std::string operator()(bool options::*field) const { return source.*field ? "true" : "false"; }
  std::string operator()(slow_consumer_policy options::*field) const {
    return source.*field == slow_consumer_policy::skip ? "skip" : "close";
  }
  template <typename Number>
  std::string operator()(Number options::*field) const {
    return std::to_string(source.*field);
  }
};

struct expectation {
  const option_info& info;

  std::string operator()(std::string options::*field) const {
    return field == &options::allowed_origins
               ? "same-host, * or origins such as https://chat.example with commas between them"
               : "a text that is not empty";
  }
  std::string operator()(bool options::*) const { return "true or false"; }
  std::string operator()(slow_consumer_policy options::*) const { return "close or skip"; }
  template <typename Number>
  std::string operator()(Number options::*) const {
    return "a whole number from " + std::to_string(info.least) + " to " + std::to_string(info.most);
  }
};

}  // namespace

std::span<const option_info> option_list() {
  static const auto infos = [] {
    std::array<option_info, rows.size()> all{};
    std::transform(rows.begin(), rows.end(), all.begin(),
                   [](const option_row& row) { return row.info; });
    return all;
  }();
  return infos;
}

status set_option(options& target, std::string_view name, std::string_view value) {
  const option_row* row = find_row(name);
  if (row == nullptr) {
    return {error::unknown_option, "there is no option '" + std::string(name) + "'"};
  }
  if (std::visit(setter{target, row->info, value}, row->field)) return {};
  return {error::bad_option_value, std::string(name) + " is '" + std::string(value) + "': give " +
                                       std::visit(expectation{row->info}, row->field)};
}

std::string get_option(const options& source, std::string_view name) {
  const option_row* row = find_row(name);
  return row == nullptr ? std::string{} : std::visit(getter{source}, row->field);
}

status validate(const options& candidate) {
  options copy = candidate;
  for (const option_info& info : option_list()) {
    status outcome = set_option(copy, info.name, get_option(candidate, info.name));
    if (!outcome) return outcome;
  }
  return {};
}

}  // namespace chinwag
