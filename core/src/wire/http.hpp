#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chinwag {

// What the server needs to know of an HTTP request.
struct http_request {
  std::string path;  // of the target, without its query
  std::string query;
  std::string host;    // with its port, of an absolute target or of the Host field
  std::string origin;  // of the web page that asks; empty if none does
  std::string websocket_key;
  std::string websocket_version;
  std::size_t size = 0;  // of the header: what follows are the next bytes of the connection
  bool get = false;
  bool head = false;     // is answered as GET is, without the body; known of bad requests, too
  bool upgrade = false;  // asks for a WebSocket
  bool body = false;     // announces a body
  bool keep_alive = false;
};

enum class http_parse { complete, incomplete, bad, too_large };

// Parses the request at the front of `bytes` once its header is complete. Empty lines before it are
// skipped (RFC 9112, 2.2). Bad is, beside what is no HTTP: any Transfer-Encoding, a field that may
// come once and comes again, and an HTTP/1.1 request without a Host.
http_parse parse_http(std::string_view bytes, std::size_t header_bytes_max, http_request& request);

struct http_response {
  unsigned code = 200;
  std::string_view content_type = "text/plain; charset=utf-8";
  std::string body{};
  bool keep_alive = false;
  bool head = false;  // the body is announced and left out
};

// The response as it goes on the wire. 405 and 426 carry the headers that they need.
std::string write_http(const http_response& response);

// The answer that accepts a WebSocket (RFC 6455 section 4.2.2).
std::string write_upgrade(std::string_view accept);

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
