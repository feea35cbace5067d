#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "frame.hpp"
#include "message_parts.hpp"

namespace chinwag {

// What waits for one connection alone: direct messages, answers, pings, close frames, and at the
// beginning of a connection's life HTTP responses. Allocated on first use.
class outbox {
 public:
  void add(const message_parts& message);
  void add(opcode code, std::string_view payload);
  // Bytes that are not frames; only before the first frame.
  void add_raw(std::string_view bytes);

  // The rest of a frame that has begun on the wire: before everything that waits.
  void add_first(std::string_view bytes) { bytes_.insert(sent_, bytes); }

  bool empty() const { return sent_ == bytes_.size(); }
  std::string_view waiting() const { return std::string_view{bytes_}.substr(sent_); }

  // Takes `count` sent bytes off the front. `open` is how many bytes of the first frame were left
  // before; the result is how many bytes of an unfinished frame are left now.
  std::uint32_t sent(std::size_t count, std::uint32_t open);

  // Forgets everything but the first `open` bytes, which finish a frame that has begun.
  void keep_only(std::uint32_t open);

 private:
  char* grow(std::size_t count);

  std::string bytes_;
  std::size_t sent_ = 0;
  std::size_t raw_ = 0;  // of the waiting bytes, this many at the front are not frames
};

}  // namespace chinwag
