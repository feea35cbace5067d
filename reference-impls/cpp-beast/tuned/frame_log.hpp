#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

/// A part of a log. Both the log and who has bytes of it to send hold it.
struct chunk : boost::intrusive_ref_counter<chunk, boost::thread_unsafe_counter> {
  explicit chunk(std::size_t capacity);
  ~chunk();

  std::size_t const capacity;
  std::size_t size = 0;
  std::size_t readers = 0;
  boost::intrusive_ptr<chunk> next;  // as long as the log has this one
  std::unique_ptr<char[]> bytes;
};

/// Bytes of one chunk that are to be sent. It holds no other chunk: who is slow to send them costs
/// what there is for it to send, and not what the log has had since.
struct piece {
  boost::intrusive_ptr<chunk> in;
  std::size_t offset;
  std::size_t size;
};

/// Frames for all who read from it, each made once. Chunks that all readers are past are given up.
/// One thread.
class frame_log {
 public:
  static constexpr std::size_t first_chunk_bytes = 1'024;  // most have little to say
  static constexpr std::size_t chunk_bytes_max = 16'384;

  explicit frame_log(std::size_t first = first_chunk_bytes)
      : first_(new chunk(first)), last_(first_.get()) {}
  frame_log(frame_log const&) = delete;
  frame_log& operator=(frame_log const&) = delete;
  ~frame_log();

  /// A whole frame of text. A server's frames have no mask (RFC 6455, 5.1), so that one does for
  /// all.
  void append_text(std::string_view text);

  /// What is framed already.
  void append(std::string_view bytes);

  /// How many bytes it has had.
  std::uint64_t end() const { return end_; }

 private:
  friend class log_reader;

  void give_up_what_is_read();

  boost::intrusive_ptr<chunk> first_;
  chunk* last_;
  std::uint64_t end_ = 0;
};

/// A place in a log, which lives longer. It begins at the log's end.
class log_reader {
 public:
  explicit log_reader(frame_log& log)
      : log_(&log), in_(log.last_), offset_(in_->size), at_(log.end_) {
    ++in_->readers;
  }
  log_reader(log_reader&& other) noexcept { *this = std::move(other); }
  log_reader& operator=(log_reader&& other) noexcept {
    std::swap(log_, other.log_);
    std::swap(in_, other.in_);
    std::swap(offset_, other.offset_);
    std::swap(at_, other.at_);
    return *this;
  }
  ~log_reader() {
    if (in_ != nullptr) leave();
  }

  frame_log const* log() const { return log_; }

  /// How many bytes the log has beyond this place.
  std::size_t news() const { return static_cast<std::size_t>(log_->end_ - at_); }

  /// Adds all of them to what is to be sent; the place is the log's end afterwards.
  void take(std::vector<piece>& to);

 private:
  void leave();

  frame_log* log_ = nullptr;
  chunk* in_ = nullptr;  // none of a log: it was moved from
  std::size_t offset_ = 0;
  std::uint64_t at_ = 0;
};
