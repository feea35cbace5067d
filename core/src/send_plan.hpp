#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "state.hpp"

namespace chinwag {

// An ordered list of what one system call is to write to one connection: which sources, from where,
// how much. It is made before the call and applied after it with what the kernel took. (It is also
// what a successor needs to know to settle a call that its maker did not live to see return.)
class send_plan {
 public:
  static constexpr std::size_t pieces_max = 64;

  // Without initial values: a plan is made for every send, and only its used part is looked at.
  struct segment {
    frame_source source;
    std::uint64_t from;  // a log position; of no meaning for the outbox
    std::uint64_t length;
    bool open;  // the rest of a frame that has begun, not a run of whole frames
  };

  bool full() const { return pieces_ == pieces_max; }
  bool empty() const { return segments_ == 0; }
  std::uint64_t total() const { return total_; }

  void add_bytes(frame_source source, std::string_view bytes) {
    pieces_list_[pieces_++] = {const_cast<char*>(bytes.data()), bytes.size()};
    note(source, 0, bytes.size(), false);
  }

  void add_log(frame_source source, const room_log& log, const chunk_pool& pool, std::uint64_t from,
               std::uint64_t to, bool open) {
    const std::span<iovec> free = std::span(pieces_list_).subspan(pieces_);
    const std::size_t count = read(log, pool, from, to, free);
    std::uint64_t length = 0;
    for (const iovec& piece : free.first(count)) length += piece.iov_len;
    pieces_ += count;
    if (length > 0) note(source, from, length, open);
  }

  std::span<const segment> segments() const { return std::span(list_).first(segments_); }
  std::span<const iovec> pieces() const { return std::span(pieces_list_).first(pieces_); }

 private:
  void note(frame_source source, std::uint64_t from, std::uint64_t length, bool open) {
    list_[segments_++] = {source, from, length, open};
    total_ += length;
  }

  // Each segment has at least one piece, so there are never more segments than pieces.
  std::array<segment, pieces_max> list_;
  std::array<iovec, pieces_max> pieces_list_;
  std::size_t segments_ = 0;
  std::size_t pieces_ = 0;
  std::uint64_t total_ = 0;
};

}  // namespace chinwag
