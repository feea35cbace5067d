#include "wire/origin.hpp"

#include <algorithm>
#include <optional>

#include "wire/text.hpp"

namespace chinwag {

namespace {

struct origin_parts {
  std::string_view scheme;
  std::string_view authority;  // host[:port]
};

std::optional<origin_parts> split(std::string_view origin) {
  constexpr std::string_view mark = "://";
  const std::size_t at = origin.find(mark);
  if (at == origin.npos || at == 0) return std::nullopt;
  const origin_parts parts{origin.substr(0, at), origin.substr(at + mark.size())};
  const bool whole = !parts.authority.empty() &&
                     parts.authority.find_first_of("/?#@ \t\\") == parts.authority.npos;
  return whole ? std::optional(parts) : std::nullopt;
}

std::string_view without_own_port(std::string_view authority, std::string_view scheme) {
  const std::string_view port = equal_text(scheme, "http")    ? ":80"
                                : equal_text(scheme, "https") ? ":443"
                                                              : "";
  if (!port.empty() && authority.ends_with(port)) authority.remove_suffix(port.size());
  return authority;
}

bool same_authority(const origin_parts& origin, std::string_view authority) {
  return equal_text(without_own_port(origin.authority, origin.scheme),
                    without_own_port(authority, origin.scheme));
}

bool allows(std::string_view item, std::string_view origin, std::string_view host) {
  if (item == "*") return true;
  const std::optional<origin_parts> asked = split(origin);
  if (item == "same-host") return asked && same_authority(*asked, host);
  if (!asked) return equal_text(item, origin);
  const std::optional<origin_parts> one = split(item);
  return one && equal_text(one->scheme, asked->scheme) && same_authority(*asked, one->authority);
}

}  // namespace

bool is_origin_list(std::string_view allowed) {
  return all_items(allowed, [](std::string_view item) {
    return item == "*" || item == "null" || item == "same-host" || split(item).has_value();
  });
}

bool allows_origin(std::string_view allowed, std::string_view origin, std::string_view host) {
  return !all_items(allowed, [&](std::string_view item) { return !allows(item, origin, host); });
}

}  // namespace chinwag
