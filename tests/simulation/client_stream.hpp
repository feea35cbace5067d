#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace simulation {

// What a server's close may say. `broken_off` stands for the end of the TCP connection.
inline constexpr std::uint16_t no_code = 1005;
inline constexpr std::uint16_t broken_off = 1006;

// A message of a client, read by chat/1's order of checks as far as they need no state.
struct asked_message {
  enum class kind : std::uint8_t {
    nothing,  // C4
    bad,      // C2, C3, C5
    join,
    leave,
    message,
    direct,
    heartbeat,
    malformed,  // C1
    uncertain,  // C8, C10, C12: more than one answer is right
  };
  kind what = kind::nothing;
  std::string name{};  // the room, or the recipient
  std::string content{};
};

asked_message read_message(std::string_view text);

// One thing that a client said, as a server has to understand it.
struct client_item {
  enum class kind : std::uint8_t { http, upgrade, text, binary, ping, close, fault };
  kind what{};
  // http, upgrade: the statuses that may answer it; empty: any refusal, or the end.
  std::set<unsigned> statuses{};
  bool head = false;                // its answer has no body
  bool may_end = false;             // the connection may end after, or instead of, the answer
  bool socket = false;              // http, upgrade: a request on /ws or /echo
  bool echo = false;                // an upgrade on /echo
  std::string user{};               // an upgrade on /ws; empty: a random one
  std::string payload{};            // text, binary, ping
  asked_message message{};          // text on /ws
  std::set<std::uint16_t> codes{};  // close, fault: what the server may end the connection with
  bool certain = true;              // a fault that a server may not see yet is not
  std::uint64_t at_us = 0;          // when its last byte was sent
  std::uint64_t bytes_end = 0;      // its end in the stream
};

struct client_limits {
  std::size_t header_bytes_max = 8192;
  std::size_t message_bytes_max = 65'536;
  std::size_t echo_bytes_max = 16 * 1024 * 1024;
  bool echo = false;
};

// Reads a client's bytes as RFC 9112, RFC 6455 and chat/1 tell a server to.
class client_stream {
 public:
  explicit client_stream(const client_limits& limits) : limits_(limits) {}

  // Appends what these bytes complete to `found`.
  void feed(std::string_view bytes, std::uint64_t now_us, std::vector<client_item>& found);

  bool upgraded() const { return stage_ != stage::http; }
  // When the last whole frame had been sent: a sign of life.
  std::uint64_t frame_us() const { return frame_us_; }
  // A request has begun and is not complete.
  bool unfinished() const { return !buffer_.empty(); }

 private:
  enum class stage : std::uint8_t { http, chat, echo, over };

  bool read_http(std::vector<client_item>& found);
  client_item read_head(std::string_view head);
  bool read_frame(std::vector<client_item>& found);
  std::optional<client_item> early_fault(bool& may_wait) const;
  void control(std::uint8_t opcode, std::string payload, std::vector<client_item>& found);
  void data(bool final, std::string payload, std::vector<client_item>& found);
  void partial_text(std::string_view payload, const std::array<unsigned char, 4>& key,
                    std::vector<client_item>& found);
  void fault(std::set<std::uint16_t> codes, bool certain, std::vector<client_item>& found);
  void push(client_item item, std::vector<client_item>& found);
  std::size_t limit() const;

  client_limits limits_;
  stage stage_ = stage::http;
  std::string buffer_;
  std::uint64_t taken_ = 0;
  std::uint64_t now_us_ = 0;
  std::uint64_t frame_us_ = 0;
  bool in_message_ = false;
  std::uint8_t opcode_ = 0;
  std::string message_;
  bool suspected_ = false;  // an uncertain fault was reported
};

}  // namespace simulation
