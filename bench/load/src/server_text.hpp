#pragma once

#include <cstddef>
#include <string_view>

namespace chinwag::load {

enum class text_type {
  welcome,
  user_joined,
  user_left,
  message,
  direct,
  heartbeat,
  error,
  build,
  other
};

// What a server's message is, by its first key: chat/1 says that this is `type`. A Socket.IO
// event, `42["type",{...}]`, is named by its type.
text_type type_of(std::string_view payload);

// The message up to and with the quote that ends its type; empty when there is none.
std::string_view type_head(std::string_view payload);

// Where the value of a string begins, behind its quote: `"key" : "`. `npos` when there is none.
// Good for the fields of chat/1, which are no deeper than the first level.
std::size_t find_string(std::string_view payload, std::string_view key);

// The same, up to the closing quote, without undoing escapes. Empty when there is none.
std::string_view string_field(std::string_view payload, std::string_view key);

}  // namespace chinwag::load
