#include "http.hpp"

// The one file that includes Beast: its headers cost seconds to compile.
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <sstream>

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

}  // namespace chinwag
