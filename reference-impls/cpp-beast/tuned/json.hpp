#pragma once

#include <simdjson.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

/// What a client sent. Its texts last until the next request is parsed.
using request = simdjson::dom::element;

/// Nothing if the text is not JSON, from its first byte to its last.
std::optional<request> parsed(std::string_view text);

/// Nothing if there is no such field, or it is not a string.
std::optional<std::string_view> string_in(request const& request, char const* field);

/// A part of what the server sends.
struct field {
  std::string_view name;  // without anything to escape
  std::variant<std::string_view, std::int64_t> value;
};

/// What the server sends: `type` stays the first key. Who holds it keeps it as it is; memory that
/// nobody holds any more is used for the next.
std::shared_ptr<std::string const> encoded(std::initializer_list<field> fields);
