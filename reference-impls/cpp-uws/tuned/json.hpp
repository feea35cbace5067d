#pragma once

#include <simdjson.h>

#include <cstdint>
#include <initializer_list>
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

/// What the server sends, encoded as it is made: `type` stays the first key.
class message {
 public:
  struct field {
    std::string_view name;  // without anything to escape
    std::variant<std::string_view, std::int64_t> value;
  };

  message(std::initializer_list<field> fields);

  std::string const& dump() const { return text_; }

 private:
  std::string text_;
};
