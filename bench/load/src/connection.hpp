#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "frame_reader.hpp"

namespace chinwag::load {

// `greeting`: frames flow, but the server has yet to let the user in (Engine.IO only).
enum class connection_state : std::uint8_t {
  unused,
  connecting,
  upgrading,
  greeting,
  open,
  ended,
};

enum class send_status { sent, waiting, gone };

// One connection's socket and bytes. Whoever owns it decides what they mean.
class connection {
 public:
  connection() = default;
  ~connection();
  connection(connection&& other) noexcept;
  connection& operator=(connection&&) = delete;

  connection_state state() const { return state_; }
  int fd() const { return fd_; }

  // Also over an ended one, of which nothing stays but its greeting.
  void start(int fd, std::string_view request);
  void connected() { state_ = connection_state::upgrading; }
  void upgraded() { state_ = connection_state::greeting; }
  void admitted() { state_ = connection_state::open; }
  void end();

  // Sends whole frames. A full socket keeps the rest waiting, in order; `flush` sends what waits.
  send_status send(std::string_view bytes);
  send_status flush();

  // Remembers whether room in the socket is waited for; answers whether that is new.
  bool await_room(bool wanted) { return std::exchange(awaits_room_, wanted) != wanted; }

  // Bytes of an unfinished frame (or handshake), between two reads.
  std::string& partial() { return partial_; }
  message_assembler& assembler() { return assembler_; }

  // What to say once the server has opened its side; nothing in most protocols.
  std::string& greeting() { return greeting_; }

 private:
  int fd_ = -1;
  connection_state state_ = connection_state::unused;
  bool awaits_room_ = true;  // a connection begins by waiting until it is writable
  std::string waiting_;
  std::string partial_;
  std::string greeting_;
  message_assembler assembler_;
};

}  // namespace chinwag::load
