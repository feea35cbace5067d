#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace chinwag::load {

// What one reply of a Centrifugo server (its JSON protocol, a value a line) is to its connection:
// `news` is a message of chat/1, which `read_centrifugo_reply` writes out; `other` is the answer to
// a request that needs none, such as one's own publication.
enum class centrifugo_reply : std::uint8_t { news, ping, admitted, refused, other };

// Reads one reply. Of `news` and `admitted`, `text` becomes what chat/1 would have said: rooms are
// channels of the namespace `rooms`, direct messages come in a user's own channel. A publication
// without a content has an empty one, so that whoever reads it misses it.
centrifugo_reply read_centrifugo_reply(std::string_view reply, std::string& text);

// Takes the first line off the front of `rest`.
std::string_view take_line(std::string_view& rest);

}  // namespace chinwag::load
