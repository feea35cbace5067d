#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace chinwag {

// Deeper nesting than this is refused as malformed (chat/1 rule C10).
inline constexpr unsigned json_depth_max = 64;

// What stands in one field of a request.
struct json_field {
  enum class kind : std::uint8_t { missing, text, other };

  kind what = kind::missing;
  std::string_view raw{};  // between the quotes, escapes as they came

  bool is_text() const { return what == kind::text; }
};

// The fields of chat/1's requests; everything else is checked and skipped.
struct json_request {
  json_field type;
  json_field room;
  json_field to;
  json_field content;
};

enum class json_verdict { object, not_object, malformed };

// Checks that `text` is one JSON value (RFC 8259) in a single pass and finds the fields of the
// outermost object. `text` must be valid UTF-8. Refused beyond the grammar: a lone surrogate
// escape (C11) and nesting deeper than json_depth_max. Of equal keys the last one counts (C8).
json_verdict scan_json(std::string_view text, json_request& request);

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
