#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace chinwag::load {

// A JSON value as text; `indent` -1 is one line. What a server or a caller sent need not be UTF-8:
// each wrong byte becomes U+FFFD, as JSON can't have it.
inline std::string json_text(const nlohmann::ordered_json& value, int indent = -1) {
  return value.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace chinwag::load
