#include "server_text.hpp"

#include <array>
#include <string>
#include <utility>

namespace chinwag::load {
namespace {

constexpr auto npos = std::string_view::npos;

constexpr std::array<std::pair<std::string_view, text_type>, 8> type_names{{
    {"message", text_type::message},
    {"direct", text_type::direct},
    {"user_joined", text_type::user_joined},
    {"user_left", text_type::user_left},
    {"heartbeat", text_type::heartbeat},
    {"welcome", text_type::welcome},
    {"error", text_type::error},
    {"__build", text_type::build},
}};

std::size_t skip_space(std::string_view text, std::size_t at) {
  return text.find_first_not_of(" \t\r\n", at);
}

// Behind `character`, which is the next one at `at` but for white space; `npos` when it is not.
std::size_t step_over(std::string_view text, std::size_t at, char character) {
  const std::size_t found = at == npos ? npos : skip_space(text, at);
  return found != npos && text[found] == character ? found + 1 : npos;
}

std::size_t value_behind_key(std::string_view payload, std::size_t key_end) {
  return step_over(payload, step_over(payload, key_end, ':'), '"');
}

// Where the type begins, behind its quote; `npos` when there is none.
std::size_t find_type(std::string_view payload) {
  constexpr std::string_view event_head = "42[";
  constexpr std::string_view type_key = "type\"";
  if (payload.starts_with(event_head)) {
    return step_over(payload, event_head.size(), '"');
  }
  const std::size_t key = step_over(payload, step_over(payload, 0, '{'), '"');
  if (key == npos || payload.substr(key, type_key.size()) != type_key) {
    return npos;
  }
  return value_behind_key(payload, key + type_key.size());
}

}  // namespace

text_type type_of(std::string_view payload) {
  const std::size_t value = find_type(payload);
  if (value == npos) {
    return text_type::other;
  }
  const std::string_view name = payload.substr(value, payload.find('"', value) - value);
  for (const auto& [known, type] : type_names) {
    if (name == known) {
      return type;
    }
  }
  return text_type::other;
}

std::string_view type_head(std::string_view payload) {
  const std::size_t value = find_type(payload);
  const std::size_t quote = value == npos ? npos : payload.find('"', value);
  return quote == npos ? std::string_view() : payload.substr(0, quote + 1);
}

std::size_t find_string(std::string_view payload, std::string_view key) {
  const std::string quoted = '"' + std::string(key) + '"';
  for (std::size_t at = payload.find(quoted); at != npos; at = payload.find(quoted, at + 1)) {
    const std::size_t value = value_behind_key(payload, at + quoted.size());
    if (value != npos) {
      return value;
    }
  }
  return npos;
}

std::string_view string_field(std::string_view payload, std::string_view key) {
  const std::size_t at = find_string(payload, key);
  if (at == npos) {
    return {};
  }
  return payload.substr(at, payload.find('"', at) - at);
}

}  // namespace chinwag::load
