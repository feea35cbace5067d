#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chinwag/server.hpp"
#include "wire.hpp"

namespace chinwag::test {

// A client over a blocking socket, with nothing between the test and the bytes.
class chat_client {
 public:
  // Connects, upgrades on this target and keeps what follows the response.
  explicit chat_client(std::uint16_t port, const std::string& target = "/ws",
                       int receive_buffer = 0);
  ~chat_client();
  chat_client(chat_client&& other) noexcept;
  chat_client(const chat_client&) = delete;
  chat_client& operator=(const chat_client&) = delete;

  bool upgraded() const { return upgraded_; }

  void send_raw(std::string_view bytes) const;
  void send(std::string_view text) const { send_raw(client_frame(opcode::text, text)); }

  // The next frame; nothing at the end of the connection or after 5 s.
  std::optional<wire_frame> receive();
  // The next text, pings left out; empty at the end.
  std::string text();
  // Reads on to the close frame: its code (no_status without one), or nothing.
  std::optional<std::uint16_t> close_code();
  // True if the connection ends within 5 s; what comes before is dropped.
  bool ends();

  int descriptor() const { return descriptor_; }

 private:
  bool read_more();

  int descriptor_ = -1;
  bool upgraded_ = false;
  std::string unread_;
  std::vector<wire_frame> frames_;
  std::size_t next_ = 0;
};

// For those who ask again and again.
void pause();

inline bool has(std::string_view text, std::string_view piece) {
  return text.find(piece) != text.npos;
}

// Waits until it is so; false after 5 s.
template <typename Wish>
bool eventually(Wish reached) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!reached()) {
    if (std::chrono::steady_clock::now() > end) return false;
    pause();
  }
  return true;
}

// A plain HTTP exchange: everything until the server ends the connection.
std::string http_exchange(std::uint16_t port, std::string_view request);

// A socket connected to the port of this machine; -1 if that fails.
int connect_to(std::uint16_t port, int receive_buffer = 0);

// A server on a free port that runs until the end of the scope.
struct running_server {
  explicit running_server(options settings = {}, handlers called = {},
                          std::unique_ptr<backplane> line = {});
  ~running_server();

  // Waits until the statistics are as wished; false after 5 s.
  template <typename Wish>
  bool eventually(Wish reached) {
    return test::eventually([&] { return reached(engine.read_stats()); });
  }

  server engine;
  std::uint16_t port = 0;
};

}  // namespace chinwag::test
