#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace chinwag {

// True for a Sec-WebSocket-Key: the base64 form of 16 bytes (chat/1 rule H9).
bool is_websocket_key(std::string_view key);

// The Sec-WebSocket-Accept for a key (RFC 6455 section 4.2.2).
std::string websocket_accept(std::string_view key);

// A user name asked for in a query string, or why there is none.
struct asked_user {
  bool valid = true;   // false: refuse the handshake (H6)
  std::string name{};  // empty: none was asked for, give one (H5)
};

// The first `user` of a query: percent-decoded, a plus sign is a space (H4).
asked_user user_from_query(std::string_view query);

// A random UUIDv4 in lower-case hex. Nothing if the system gives no random numbers.
std::optional<std::string> random_user();

}  // namespace chinwag
