#pragma once

#include <boost/asio.hpp>
#include <boost/container/static_vector.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// A whole frame of text. A server's frames have no mask (RFC 6455, 5.1), so that one does for all
/// who receive the text.
struct text_frame {
  explicit text_frame(std::string_view text);

  std::string bytes;
};

/// Frames that wait for one socket, in their order.
class frame_queue {
 public:
  using frame = std::shared_ptr<std::string const>;
  using some_buffers = boost::container::static_vector<boost::asio::const_buffer, 64>;

  /// What a frame takes besides its bytes, so that a limit bounds empty ones, too.
  static constexpr std::size_t overhead = 32;

  void push(frame one);

  /// The first of what waits, as much as Asio gives to one system call.
  some_buffers first() const;

  /// So many bytes are written; of the last frame among them it may be a part.
  void consume(std::size_t written);

  void clear() { *this = {}; }
  bool empty() const { return frames_.empty(); }

  /// The bytes that wait, and the overhead of their frames.
  std::size_t size() const { return size_; }

 private:
  std::vector<frame> frames_;  // an idle connection's takes no memory, as a deque's would
  std::size_t next_ = 0;       // those before it are written
  std::size_t written_ = 0;    // bytes of the next one
  std::size_t size_ = 0;
};
