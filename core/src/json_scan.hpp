#pragma once

#include <cstdint>
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

}  // namespace chinwag
