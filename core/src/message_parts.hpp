#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <string_view>

#include "frame.hpp"

namespace chinwag {

// A message as the pieces that it is written from: its text is put together once, where it will be
// sent from.
class message_parts {
 public:
  message_parts(std::initializer_list<std::string_view> pieces) {
    for (const std::string_view piece : pieces) {
      pieces_[count_++] = piece;
      payload_size_ += piece.size();
    }
  }

  std::size_t payload_size() const { return payload_size_; }
  std::size_t frame_size() const { return server_header_size(payload_size_) + payload_size_; }

  // Writes the finished text frame: frame_size() bytes.
  void write_frame(char* to) const;

 private:
  static constexpr std::size_t pieces_max = 9;

  std::array<std::string_view, pieces_max> pieces_{};
  std::size_t count_ = 0;
  std::size_t payload_size_ = 0;
};

}  // namespace chinwag
