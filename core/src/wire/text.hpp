#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace chinwag {

// Texts of header fields: ASCII, of which most compare without regard to case (RFC 9110).

inline char lower_case(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline bool equal_text(std::string_view one, std::string_view other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](char a, char b) { return lower_case(a) == lower_case(b); });
}

// Without the spaces and tabs around it.
inline std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Whether `good` holds for every item of a list with commas between them.
template <typename Predicate>
bool all_items(std::string_view list, Predicate good) {
  for (;;) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (!good(trimmed(list.substr(0, comma)))) return false;
    if (comma == list.size()) return true;
    list.remove_prefix(comma + 1);
  }
}

// A host with its port as a URL has them: an IPv6 address stands in brackets.
inline std::string authority_of(std::string_view host, std::uint16_t port) {
  const bool six = host.find(':') != host.npos;
  std::string text = six ? "[" : "";
  text.append(host).append(six ? "]:" : ":").append(std::to_string(port));
  return text;
}

}  // namespace chinwag
