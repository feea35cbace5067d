#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "chinwag/handlers.hpp"
#include "state/ids.hpp"
#include "wire/frame.hpp"
#include "wire/image.hpp"
#include "wire/messages.hpp"

namespace chinwag {

// What waits for one connection alone: direct messages, answers, pings, close frames, and at the
// beginning of a connection's life HTTP responses. Allocated on first use.
class outbox {
 public:
  void add(const message_parts& message);
  void add(opcode code, std::string_view payload);
  // Bytes that are not frames; only before the first frame.
  void add_raw(std::string_view bytes);

  // Makes room for so many bytes at once.
  void reserve(std::size_t count) { bytes_.reserve(bytes_.size() + count); }

  // Finished frames.
  void add_frames(std::string_view bytes);

  // The rest of a frame that has begun on the wire: before everything that waits.
  void add_first(std::string_view bytes) { bytes_.insert(sent_, bytes); }

  bool empty() const { return sent_ == bytes_.size(); }
  std::size_t memory() const { return bytes_.capacity(); }
  std::string_view waiting() const { return std::string_view{bytes_}.substr(sent_); }

  // Takes `count` sent bytes off the front. `open` is how many bytes of the first frame were left
  // before; the result is how many bytes of an unfinished frame are left now.
  std::uint32_t sent(std::size_t count, std::uint32_t open);

  // What of it a successor needs.
  void write(image_writer& to) const;
  void read(image_reader& from);

  // Forgets everything but the first `open` bytes, which finish a frame that has begun.
  void keep_only(std::uint32_t open);

 private:
  char* grow(std::size_t count);

  std::string bytes_;
  std::size_t sent_ = 0;
  std::size_t raw_ = 0;  // of the waiting bytes, this many at the front are not frames
};

// A request of a connection that can't be served yet.
struct held_request {
  enum class state : std::uint8_t {
    unasked,  // waits for its turn; the program may have to be asked then
    asked,    // the program owes a verdict
    decided,  // its verdict is there; those before it are not served yet
  };

  state now = state::unasked;
  // Whether those behind it depend on it: as long as it is not served, nobody knows of which rooms
  // the connection is a member.
  bool changes_rooms = false;
  // A message that the program is asked about once those in front of it are served.
  bool to_be_asked = false;
  std::uint16_t close_code = 0;  // not 0: a close is all that is left
  bool at_fault = false;         // it is ours, for what the client sent; else the client's
  bool vanished = false;         // it is the client's end, without a close
  std::uint64_t number = 0;      // of an asked one
  verdict outcome{};             // of a decided one
  std::string text{};            // as it came
};

// The requests of one connection that wait for verdicts, in the order in which they came.
class request_queue {
 public:
  void add(held_request request);
  // False if no request with this number waits.
  bool decide(std::uint64_t number, verdict outcome);

  bool empty() const { return waiting_.empty(); }
  const held_request& front() const { return waiting_.front(); }
  // The program was asked about the front only now.
  void front_asked(std::uint64_t number, bool changes_rooms);
  void pop();

  // The room that has to catch up before more is published, or no_id.
  room_id waits_for = no_id;

  // Whether the program can be asked about a message that comes now: its answer depends on none in
  // front of it, and it is asked about one client's messages in the order in which they came.
  bool may_ask() const { return changing_ == 0 && to_ask_ == 0; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::deque<held_request> waiting_;
  std::size_t changing_ = 0;
  std::size_t to_ask_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace chinwag
