#include "server_stream.hpp"

#include <algorithm>
#include <cctype>

#include "wire.hpp"

namespace simulation {

void server_stream::take(std::size_t size) {
  taken_ += size;
  if (taken_ == buffer_.size()) {
    buffer_.clear();
    taken_ = 0;
  } else if (taken_ > 65'536) {
    buffer_.erase(0, taken_);
    taken_ = 0;
  }
}

bool server_stream::next_response(bool head, server_response& found) {
  const std::string_view bytes = rest();
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == bytes.npos) return false;
  if (!bytes.starts_with("HTTP/1.1 ") || bytes.size() < 13) {
    fault_ = "not an HTTP response: " + std::string(bytes.substr(0, 40));
    return false;
  }
  found = {};
  for (std::size_t i = 9; i < 12; ++i) {
    found.status = found.status * 10 + static_cast<unsigned>(bytes[i] - '0');
  }
  std::size_t length = 0;
  bool sized = false;
  for (std::size_t at = bytes.find("\r\n") + 2; at < end;) {
    const std::size_t stop = bytes.find("\r\n", at);
    const std::string_view line = bytes.substr(at, stop - at);
    const std::size_t colon = std::min(line.find(':'), line.size());
    std::string name(line.substr(0, colon));
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    std::string_view value = line.substr(std::min(line.size(), colon + 1));
    while (value.starts_with(' ')) value.remove_prefix(1);
    if (name == "content-length") {
      sized = true;
      length = static_cast<std::size_t>(std::stoul(std::string(value)));
    }
    if (name == "connection" && value == "close") found.closes = true;
    if (name == "sec-websocket-accept") found.accept = value;
    if (name == "content-type") found.type = value;
    at = stop + 2;
  }
  if (head || found.status == 101) length = 0;
  if (!sized && !head && found.status != 101) {
    fault_ = "a response without Content-Length";
    return false;
  }
  if (bytes.size() < end + 4 + length) return false;
  found.body = bytes.substr(end + 4, length);
  take(end + 4 + length);
  return true;
}

bool server_stream::next_frame(server_frame& found) {
  const std::string_view bytes = rest();
  if (bytes.empty()) return false;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const std::uint8_t opcode = byte(0) & 0x0F;
  if ((byte(0) & 0x80) == 0) fault_ = "a frame without FIN";
  if ((byte(0) & 0x70) != 0) fault_ = "a frame with reserved bits";
  if (opcode != 1 && opcode != 2 && (opcode < 8 || opcode > 10)) fault_ = "an unknown opcode";
  if (!fault_.empty() || bytes.size() < 2) return false;
  if ((byte(1) & 0x80) != 0) fault_ = "a masked frame";
  std::uint64_t length = byte(1) & 0x7F;
  const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (bytes.size() < 2 + extended) return false;
  if (extended > 0) length = 0;
  for (std::size_t i = 0; i < extended; ++i) length = length << 8 | byte(2 + i);
  if (extended == 2 && length < 126) fault_ = "a length not in its shortest form";
  if (extended == 8 && length <= 0xFFFF) fault_ = "a length not in its shortest form";
  if (opcode >= 8 && length > 125) fault_ = "a long control frame";
  if (length > 64 * 1024 * 1024) fault_ = "a frame of an absurd length";
  if (!fault_.empty() || bytes.size() < 2 + extended + length) return false;
  found.opcode = opcode;
  found.payload = bytes.substr(2 + extended, length);
  take(2 + extended + length);
  if (opcode == 1 && !valid_utf8(found.payload)) fault_ = "a text that is not UTF-8";
  return fault_.empty();
}

}  // namespace simulation
