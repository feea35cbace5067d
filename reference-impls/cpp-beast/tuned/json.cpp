#include "json.hpp"

#include <nlohmann/json.hpp>

namespace {

/// simdjson refuses integers beyond 64 bits, which are JSON. No number in a request decides
/// anything, so that it is the same request with null in their place. What nests deeper than the
/// protocol asks for becomes null, too: to encode it would recurse.
std::string without_numbers(std::string_view text) {
  using nlohmann::json;
  constexpr int depth_most = 16;
  auto const simplify = [](int depth, json::parse_event_t, json& value) {
    if (value.is_number() || (depth > depth_most && value.is_structured())) value = nullptr;
    return true;
  };
  // A zero byte would be the end to nlohmann.
  if (text.find('\0') != text.npos) return {};
  auto const rest = json::parse(text, simplify, /*allow_exceptions=*/false);
  return rest.is_discarded() ? std::string() : rest.dump();
}

/// Without a branch, so that a loop over it is compiled to vector instructions.
bool is_escaped(unsigned char byte) {
  return (byte < 0x20) | (byte == '"') | (byte == '\\');
}

void append_escaped(std::string& to, unsigned char byte) {
  constexpr char digits[] = "0123456789abcdef";
  if (byte < 0x20) {
    to.append("\\u00").append({digits[byte >> 4], digits[byte & 0xF]});
  } else {
    to.append({'\\', static_cast<char>(byte)});
  }
}

void append_quoted(std::string& to, std::string_view text) {
  // Nearly all texts are sent as they came. The loop does not end at the first, so that it may be
  // vector instructions.
  unsigned char any = 0;
  for (unsigned char const byte : text) any |= is_escaped(byte);
  to += '"';
  if (!any) {
    to += text;
  } else {
    for (unsigned char const byte : text) {
      if (is_escaped(byte)) {
        append_escaped(to, byte);
      } else {
        to += static_cast<char>(byte);
      }
    }
  }
  to += '"';
}

}  // namespace

std::optional<request> parsed(std::string_view text) {
  static simdjson::dom::parser parser;  // keeps its memory; one thread
  // Newer releases than Debian's skip a byte order mark.
  if (text.starts_with("\xEF\xBB\xBF")) return {};
  request value;
  auto failed = parser.parse(text.data(), text.size()).get(value);
  if (failed == simdjson::NUMBER_ERROR) failed = parser.parse(without_numbers(text)).get(value);
  if (failed) return {};
  return value;
}

std::optional<std::string_view> string_in(request const& request, char const* field) {
  std::string_view text;
  if (request.at_key(field).get(text)) return {};
  return text;
}

message::message(std::initializer_list<field> fields) {
  constexpr std::size_t bytes_around = 32;
  std::size_t bytes = 0;
  for (auto const& [name, value] : fields) {
    auto const* const text = std::get_if<std::string_view>(&value);
    bytes += name.size() + (text ? text->size() : 0) + bytes_around;
  }
  text_.reserve(bytes);
  for (auto const& [name, value] : fields) {
    text_.append(text_.empty() ? "{\"" : ",\"").append(name).append("\":");
    if (auto const* const text = std::get_if<std::string_view>(&value)) {
      append_quoted(text_, *text);
    } else {
      text_ += std::to_string(std::get<std::int64_t>(value));
    }
  }
  text_ += '}';
}
