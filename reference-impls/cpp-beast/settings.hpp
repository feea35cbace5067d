#pragma once

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

/// What may wait for a member that does not read, in bytes.
constexpr std::size_t outbox_bytes_max = 1'048'576;

constexpr std::uint32_t timer_ms_max = 2'147'483'647;
constexpr std::uint32_t write_delay_ms_max = 60'000;

inline std::string_view setting(char const* name, std::string_view otherwise) {
  char const* const text = std::getenv(name);
  return text ? text : otherwise;
}

/// From the environment, in decimal digits alone. Throws std::invalid_argument for anything else.
inline std::uint32_t setting(char const* name, std::uint32_t otherwise, std::uint32_t most) {
  char const* const text = std::getenv(name);
  if (!text) return otherwise;
  auto const end = text + std::string_view(text).size();
  std::uint32_t value = 0;
  auto const [rest, failed] = std::from_chars(text, end, value);
  if (failed == std::errc{} && rest == end && 1 <= value && value <= most) return value;
  throw std::invalid_argument(std::string(name) + " must be a whole number from 1 to " +
                              std::to_string(most));
}
