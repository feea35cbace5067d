#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace simulation {

struct server_response {
  unsigned status = 0;
  bool closes = false;  // "Connection: close"
  std::string accept{};
  std::string type{};
  std::string body{};
};

struct server_frame {
  std::uint8_t opcode = 0;
  std::string payload{};
};

// Reads what a server sent, strictly: what RFC 6455 forbids a server is a fault.
class server_stream {
 public:
  void feed(std::string_view bytes) { buffer_ += bytes; }

  // Each takes one off the front; false if none is complete, or if fault() says why it is none.
  bool next_response(bool head, server_response& found);
  bool next_frame(server_frame& found);

  bool empty() const { return taken_ == buffer_.size(); }
  const std::string& fault() const { return fault_; }

 private:
  std::string_view rest() const { return std::string_view(buffer_).substr(taken_); }
  void take(std::size_t size);

  std::string buffer_;
  std::size_t taken_ = 0;
  std::string fault_;
};

}  // namespace simulation
