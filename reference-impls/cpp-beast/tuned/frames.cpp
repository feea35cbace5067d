#include "frames.hpp"

text_frame::text_frame(std::string_view text) {
  constexpr std::size_t header_bytes_most = 10;
  auto const length = text.size();
  auto const further = length < 126 ? 0 : length <= 0xFFFF ? 2 : 8;  // bytes of the length
  bytes.reserve(header_bytes_most + length);
  bytes += '\x81';  // the last fragment of a text, and the only one
  bytes += static_cast<char>(further == 0 ? length : further == 2 ? 126 : 127);
  for (auto left = further; left-- > 0;) bytes += static_cast<char>(length >> (8 * left) & 0xFF);
  bytes += text;
}

void frame_queue::push(frame one) {
  size_ += one->size() + overhead;
  frames_.push_back(std::move(one));
}

frame_queue::some_buffers frame_queue::first() const {
  some_buffers buffers;
  for (auto at = next_; at < frames_.size() && buffers.size() < buffers.capacity(); ++at) {
    buffers.push_back(boost::asio::buffer(*frames_[at]));
  }
  if (!buffers.empty()) buffers.front() += written_;
  return buffers;
}

void frame_queue::consume(std::size_t written) {
  size_ -= written;
  written_ += written;
  while (next_ < frames_.size() && written_ >= frames_[next_]->size()) {
    written_ -= frames_[next_]->size();
    frames_[next_++].reset();
    size_ -= overhead;
  }
  if (next_ == frames_.size()) return clear();
  // Half of them at a time: one by one the rest would be moved for each.
  if (next_ < frames_.size() / 2) return;
  frames_.erase(frames_.begin(), frames_.begin() + static_cast<std::ptrdiff_t>(next_));
  next_ = 0;
}
