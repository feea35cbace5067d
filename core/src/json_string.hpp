#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace chinwag {

// How a JSON string's text ended: at the closing quote, or not well.
struct json_string_end {
  bool good = false;
  bool escaped = false;  // a backslash was met
  std::size_t size = 0;  // bytes before the closing quote
};

// Checks the text of a JSON string from just after its opening quote. Escapes must be complete and
// surrogates paired.
json_string_end scan_json_string(std::string_view text);

// Undoes the escapes of text that scan_json_string found good. Writes at most `room` bytes and
// returns the full size that the result has, which is more than `room` where it did not fit.
std::size_t unescape_json(std::string_view raw, char* to, std::size_t room);

// The text of a JSON string, without its quotes, for valid UTF-8.
std::string escape_json(std::string_view plain);

}  // namespace chinwag
