#pragma once

#include <string_view>

#include "chinwag/stats.hpp"
#include "message_parts.hpp"
#include "name.hpp"

namespace chinwag {

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
