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

  // Read by length: what comes is counted and not looked at, from one frame's end to another's.
  bool is_counted() const { return counted_; }
  void count(bool counted) { counted_ = counted; }
  void add_counted(std::uint64_t bytes, std::int64_t now_ns) {
    counted_bytes_ += bytes;
    counted_ns_ = now_ns;
  }
  std::int64_t counted_ns() const { return counted_ns_; }  // of the last of them
  std::uint64_t counted_bytes() const { return counted_bytes_; }
  void clear_counted() { counted_bytes_ = 0; }

  // Where the next frame begins isn't known: it is looked for.
  bool has_lost_step() const { return lost_step_; }
  void lose_step(bool lost) { lost_step_ = lost; }

  // Nothing of an unfinished frame or message is held.
  bool is_between_messages() const {
    return state_ == connection_state::open && partial_.empty() && !lost_step_ &&
           assembler_.is_idle();
  }

  // Heartbeats that were not answered yet.
  std::uint32_t& heartbeats_due() { return heartbeats_due_; }

  // What to say once the server has opened its side; nothing in most protocols.
  std::string& greeting() { return greeting_; }

 private:
  int fd_ = -1;
  connection_state state_ = connection_state::unused;
  bool awaits_room_ = true;  // a connection begins by waiting until it is writable
  bool counted_ = false;
  bool lost_step_ = false;
  std::uint32_t heartbeats_due_ = 0;
  std::uint64_t counted_bytes_ = 0;
  std::int64_t counted_ns_ = 0;
  std::string waiting_;
  std::string partial_;
  std::string greeting_;
  message_assembler assembler_;
};

}  // namespace chinwag::load
