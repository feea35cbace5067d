#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

/// What a client sent.
using request = nlohmann::json;

/// What the server sends: `type` stays the first key.
using message = nlohmann::ordered_json;

inline std::shared_ptr<std::string const> encoded(message const& message) {
  return std::make_shared<std::string const>(message.dump());
}

/// Nothing if the text is not JSON. nlohmann takes a byte order mark for nothing and a zero byte
/// for the end: both are faults.
inline std::optional<request> parsed(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF") || text.find('\0') != text.npos) return {};
  auto value = request::parse(text, nullptr, /*allow_exceptions=*/false);
  return value.is_discarded() ? std::nullopt : std::optional(std::move(value));
}

/// Nothing if there is no such field, or it is not a string.
inline std::optional<std::string_view> string_in(request const& request, char const* field) {
  // In what is not an object nothing is found.
  auto const found = request.find(field);
  if (found == request.end() || !found->is_string()) return {};
  return found->get_ref<std::string const&>();
}
