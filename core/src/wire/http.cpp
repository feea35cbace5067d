#include "wire/http.hpp"
// The one file that includes Beast: its headers cost seconds to compile.
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

#include "wire/name.hpp"
#include "wire/text.hpp"
#include "wire/utf8.hpp"

namespace chinwag {

namespace {

namespace beast = boost::beast;
using request_parser = beast::http::request_parser<beast::http::empty_body>;
using request_header = beast::http::request<beast::http::empty_body>;

constexpr std::string_view line_end = "\r\n";
constexpr std::string_view header_end = "\r\n\r\n";

std::string_view view(beast::string_view from) {
  return {from.data(), from.size()};
}

// Whether a field that is a list has the word. Its lines are parts of one list (RFC 9110, 5.3).
bool has_word(const request_header& header, beast::http::field name, std::string_view word) {
  const auto [first, last] = header.equal_range(name);
  return std::any_of(first, last, [&](const auto& line) {
    return !all_items(view(line.value()),
                      [&](std::string_view item) { return !equal_text(item, word); });
  });
}

bool comes_once_at_most(const request_header& header) {
  using enum beast::http::field;
  for (const beast::http::field name :
       {host, origin, content_length, sec_websocket_key, sec_websocket_version}) {
    if (header.count(name) > 1) return false;
  }
  return true;
}

// Takes scheme and authority off a target in absolute form (RFC 9112, 3.2.2), and returns the
// latter.
std::string_view take_authority(std::string_view& target) {
  const std::size_t scheme = target.find("://");
  if (scheme == target.npos || scheme == 0 || target.find_first_of("/?") < scheme) return {};
  target.remove_prefix(scheme + 3);
  const std::string_view authority = target.substr(0, target.find_first_of("/?"));
  target.remove_prefix(authority.size());
  return authority;
}

void fill(const request_header& header, http_request& request) {
  using enum beast::http::field;
  std::string_view target = view(header.target());
  const std::string_view authority = take_authority(target);
  const std::size_t query = std::min(target.find('?'), target.size());
  request.path = target.substr(0, query);
  if (request.path.empty()) request.path = "/";
  request.query = target.substr(std::min(query + 1, target.size()));
  request.host = authority.empty() ? view(header[host]) : authority;
  request.origin = view(header[origin]);
  request.websocket_key = view(header[sec_websocket_key]);
  request.websocket_version = view(header[sec_websocket_version]);
  request.get = header.method() == beast::http::verb::get;
  const bool new_http = header.version() >= 11;
  request.upgrade = request.get && new_http && has_word(header, connection, "upgrade") &&
                    has_word(header, upgrade, "websocket");
  request.keep_alive = !has_word(header, connection, "close") &&
                       (new_http || has_word(header, connection, "keep-alive"));
}

// RFC 3986, 3.2.2 and 3.2.3: a name, an address and a port consist of these.
bool is_authority(std::string_view text) {
  constexpr std::string_view marks = "-._~%!$&'()*+,;=:[]";
  return std::ranges::all_of(text, [&](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           marks.find(c) != marks.npos;
  });
}

bool is_sound(const request_header& header) {
  using enum beast::http::field;
  return header.count(transfer_encoding) == 0 && comes_once_at_most(header) &&
         (header.version() < 11 || header.count(host) == 1) && is_authority(view(header[host]));
}

std::string_view reason_of(unsigned code) {
  return view(beast::http::obsolete_reason(static_cast<beast::http::status>(code)));
}

}  // namespace

http_parse parse_http(std::string_view bytes, std::size_t header_bytes_max, http_request& request) {
  std::size_t skipped = 0;
  while (bytes.substr(skipped).starts_with(line_end)) skipped += line_end.size();
  const std::string_view header = bytes.substr(skipped);
  request.head = header.starts_with("HEAD ");
  // A header that arrives in small pieces is searched for its end, and parsed once.
  const std::size_t end = bytes.substr(0, header_bytes_max).find(header_end, skipped);
  if (end == bytes.npos) {
    return bytes.size() >= header_bytes_max ? http_parse::too_large : http_parse::incomplete;
  }
  const std::size_t size = end - skipped + header_end.size();
  request_parser parser;
  parser.header_limit(static_cast<std::uint32_t>(header_bytes_max));
  parser.eager(false);
  beast::error_code problem;
  request.size = skipped + parser.put(boost::asio::buffer(header.data(), size), problem);
  if (problem || !parser.is_header_done() || !is_sound(parser.get())) return http_parse::bad;
  request.body = parser.content_length().value_or(0) > 0;
  fill(parser.get(), request);
  return http_parse::complete;
}

std::string write_http(const http_response& response) {
  std::string text = "HTTP/1.1 ";
  text.append(std::to_string(response.code)).append(" ").append(reason_of(response.code));
  text.append("\r\nContent-Type: ").append(response.content_type);
  text.append("\r\nContent-Length: ").append(std::to_string(response.body.size()));
  if (response.code == 426) {
    text.append("\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13");
  }
  if (response.code == 405) text.append("\r\nAllow: GET, HEAD");
  if (!response.keep_alive) text.append("\r\nConnection: close");
  text.append(header_end);
  return response.head ? text : text.append(response.body);
}

std::string write_upgrade(std::string_view accept) {
  std::string response =
      "HTTP/1.1 101 Switching Protocols\r\n"
      "Upgrade: websocket\r\n"
      "Connection: Upgrade\r\n"
      "Sec-WebSocket-Accept: ";
  return response.append(accept).append("\r\n\r\n");
}

namespace {

constexpr std::string_view accept_guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

bool is_base64(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/';
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Form decoding; nothing if a percent sign is not followed by two hex digits.
std::optional<std::string> decode_form(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain.push_back(text[i] == '+' ? ' ' : text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    plain.push_back(static_cast<char>(high << 4 | low));
    i += 2;
  }
  return plain;
}

}  // namespace

bool is_websocket_key(std::string_view key) {
  // 16 bytes are 22 digits and two pads; the last digit holds only two bits.
  constexpr std::size_t digits = 22;
  if (key.size() != digits + 2 || !key.ends_with("==")) return false;
  return std::all_of(key.begin(), key.begin() + digits, is_base64) &&
         std::string_view{"AQgw"}.find(key[digits - 1]) != std::string_view::npos;
}

std::string websocket_accept(std::string_view key) {
  std::string text(key);
  text += accept_guid;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::array<unsigned char, 2 * EVP_MAX_MD_SIZE> encoded{};
  const int length = EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(size));
  return {reinterpret_cast<const char*>(encoded.data()), static_cast<std::size_t>(length)};
}

asked_user user_from_query(std::string_view query) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto key = decode_form(pair.substr(0, equals));
    if (!key || *key != "user") continue;
    const auto name = decode_form(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !is_utf8(*name)) return {false};
    if (name->empty()) return {};
    return {is_name(*name), *name};
  }
  return {};
}

std::optional<std::string> random_user() {
  try {
    return boost::uuids::to_string(boost::uuids::random_generator_pure{}());
  } catch (const boost::uuids::entropy_error&) {
    return std::nullopt;
  }
}

}  // namespace chinwag
