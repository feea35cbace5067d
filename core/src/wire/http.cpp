#include "wire/http.hpp"
// The one file that includes Beast: its headers cost seconds to compile.
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <sstream>

#include "wire/name.hpp"
#include "wire/utf8.hpp"

namespace chinwag {

namespace {

namespace beast = boost::beast;
using request_parser = beast::http::request_parser<beast::http::empty_body>;
using request_header = beast::http::request<beast::http::empty_body>;

constexpr std::string_view header_end = "\r\n\r\n";

std::string text(beast::string_view from) {
  return {from.data(), from.size()};
}

void fill(const request_header& header, http_request& request) {
  const std::string target = text(header.target());
  const std::size_t query = target.find('?');
  request.path = target.substr(0, query);
  request.query = query == target.npos ? std::string{} : target.substr(query + 1);
  request.websocket_key = text(header[beast::http::field::sec_websocket_key]);
  request.websocket_version = text(header[beast::http::field::sec_websocket_version]);
  request.get = header.method() == beast::http::verb::get;
  request.upgrade =
      request.get && header.version() >= 11 &&
      beast::http::token_list{header[beast::http::field::connection]}.exists("upgrade") &&
      beast::http::token_list{header[beast::http::field::upgrade]}.exists("websocket");
  request.keep_alive = header.keep_alive();
}

}  // namespace

http_parse parse_http(std::string_view bytes, std::size_t header_bytes_max, http_request& request) {
  // A header that arrives in small pieces is searched for its end, and parsed once.
  const std::size_t end = bytes.substr(0, header_bytes_max).find(header_end);
  if (end == bytes.npos) {
    return bytes.size() >= header_bytes_max ? http_parse::too_large : http_parse::incomplete;
  }
  request_parser parser;
  parser.header_limit(static_cast<std::uint32_t>(header_bytes_max));
  parser.eager(false);
  beast::error_code problem;
  request.size = parser.put(boost::asio::buffer(bytes.data(), end + header_end.size()), problem);
  if (problem || !parser.is_header_done()) return http_parse::bad;
  request.body = parser.chunked() || parser.content_length().value_or(0) > 0;
  fill(parser.get(), request);
  return http_parse::complete;
}

std::string write_http(const http_response& response) {
  beast::http::response<beast::http::string_body> message;
  message.version(11);
  message.result(response.code);
  message.set(beast::http::field::content_type,
              beast::string_view{response.content_type.data(), response.content_type.size()});
  if (response.code == 426) {
    message.set(beast::http::field::upgrade, "websocket");
    message.set(beast::http::field::sec_websocket_version, "13");
  }
  if (response.code == 405) message.set(beast::http::field::allow, "GET");
  message.keep_alive(response.keep_alive);
  message.body() = response.body;
  message.prepare_payload();
  std::ostringstream out;
  out << message;
  return out.str();
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
