#include "handshake.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

namespace chinwag::load {
namespace {

// The key is there to keep caches from answering (RFC 6455, section 1.3); none stands between the
// two programs here, so one key serves all connections and its answer is a constant:
// base64(SHA-1(key + the RFC's GUID)).
constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view accepted_key = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
constexpr std::string_view line_end = "\r\n";
constexpr std::string_view head_end = "\r\n\r\n";

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<std::string_view> field(std::string_view head, std::string_view lower_name) {
  std::size_t at = head.find(line_end);
  while (at != std::string_view::npos) {
    at += line_end.size();
    const std::size_t end = head.find(line_end, at);
    const std::string_view line = head.substr(at, end == std::string_view::npos ? end : end - at);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && lower(line.substr(0, colon)) == lower_name) {
      return trim(line.substr(colon + 1));
    }
    at = end;
  }
  return std::nullopt;
}

bool field_names(std::string_view head, std::string_view name, std::string_view token) {
  const auto value = field(head, name);
  return value && lower(*value).find(token) != std::string::npos;
}

std::string fault_of(std::string_view head) {
  const std::string_view status = head.substr(0, head.find(line_end));
  if (status.substr(0, 12) != "HTTP/1.1 101") {
    return "the server answered \"" + std::string(status.substr(0, 80)) + "\" to the upgrade";
  }
  if (!field_names(head, "upgrade", "websocket") || !field_names(head, "connection", "upgrade")) {
    return "the server's 101 lacks `Upgrade: websocket` or `Connection: Upgrade`";
  }
  if (field(head, "sec-websocket-accept") != accepted_key) {
    return "the server's Sec-WebSocket-Accept is wrong";
  }
  if (field(head, "sec-websocket-extensions") || field(head, "sec-websocket-protocol")) {
    return "the server chose an extension or subprotocol that was not offered";
  }
  return {};
}

}  // namespace

std::string upgrade_request(std::string_view host, std::string_view target,
                            std::string_view field) {
  std::string request = "GET ";
  request.append(target).append(" HTTP/1.1\r\nHost: ").append(host);
  request.append("\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
  if (!field.empty()) {
    request.append(field).append("\r\n");
  }
  request.append("Sec-WebSocket-Key: ").append(key).append(head_end);
  return request;
}

upgrade_answer read_upgrade_answer(std::string_view bytes) {
  const std::size_t end = bytes.find(head_end);
  if (end == std::string_view::npos) {
    if (bytes.size() <= response_head_bytes_max) {
      return {upgrade_status::incomplete, 0, {}};
    }
    return {upgrade_status::refused, 0, "the server's answer to the upgrade has no end"};
  }
  const std::string fault = fault_of(bytes.substr(0, end));
  if (!fault.empty()) {
    return {upgrade_status::refused, 0, fault};
  }
  return {upgrade_status::accepted, end + head_end.size(), {}};
}

}  // namespace chinwag::load
