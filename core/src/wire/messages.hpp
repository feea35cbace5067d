#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <string_view>

#include "chinwag/stats.hpp"
#include "wire/frame.hpp"
#include "wire/name.hpp"

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

// The messages that a chat/1 server sends. The parts refer to their arguments: use them at once.
// `content` is JSON text as it came, without its quotes.
message_parts welcome_message(const quoted_name& user);
message_parts joined_message(const quoted_name& room, const quoted_name& user,
                             std::string_view timestamp);
message_parts left_message(const quoted_name& room, const quoted_name& user,
                           std::string_view timestamp);
message_parts room_message(const quoted_name& room, const quoted_name& user,
                           std::string_view content, std::string_view timestamp);
message_parts direct_message(const quoted_name& user, std::string_view content,
                             std::string_view timestamp);
message_parts heartbeat_message(std::string_view timestamp);
message_parts error_message(refusal code, std::string_view text);
message_parts skipped_message(const quoted_name& room, std::string_view from, std::string_view to);

}  // namespace chinwag
