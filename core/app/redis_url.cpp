#include "redis_url.hpp"

#include <charconv>
#include <string_view>

namespace chinwagd {

namespace {

chinwag::status wrong(const std::string& what) {
  return {chinwag::error::bad_option_value,
          "backplane: " + what + "; give redis://[[user:]password@]host[:port]"};
}

// False for a % without two hexadecimal digits.
bool decode(std::string_view text, std::string& plain) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      plain.push_back(text[at]);
      continue;
    }
    unsigned byte = 0;
    const std::string_view digits = text.substr(at + 1, 2);
    const char* const end = digits.data() + digits.size();
    const auto [read, problem] = std::from_chars(digits.data(), end, byte, 16);
    if (digits.size() != 2 || problem != std::errc{} || read != end) return false;
    plain.push_back(static_cast<char>(byte));
    at += 2;
  }
  return true;
}

bool read_credentials(std::string_view text, redis_address& found) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return decode(text, found.password);
  return decode(text.substr(0, colon), found.user) &&
         decode(text.substr(colon + 1), found.password);
}

// Takes the host off the front of `text`, and leaves what follows it; false for none.
bool take_host(std::string_view& text, std::string& host) {
  const bool bracketed = text.starts_with('[');
  const std::size_t begin = bracketed ? 1 : 0;
  const std::size_t end = bracketed ? text.find(']') : text.find(':');
  if (bracketed && end == std::string_view::npos) return false;
  host = text.substr(begin, end == std::string_view::npos ? end : end - begin);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + (bracketed ? 1 : 0));
  constexpr std::size_t host_bytes_max = 255;
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:%";
  return !host.empty() && host.size() <= host_bytes_max &&
         host.find_first_not_of(letters) == std::string::npos;
}

}  // namespace

chinwag::status read_redis_url(const std::string& url, redis_address& found) {
  constexpr std::string_view scheme = "redis://";
  std::string_view rest = url;
  if (!rest.starts_with(scheme)) return wrong("it does not begin with redis://");
  rest.remove_prefix(scheme.size());
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    if (!read_credentials(rest.substr(0, at), found)) {
      return wrong("a % in user or password is not followed by two hexadecimal digits");
    }
    rest.remove_prefix(at + 1);
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (!take_host(rest, found.host)) return wrong("it names no host that there can be");
  if (rest.empty()) return {};
  const std::string_view digits = rest.substr(1);
  const char* const end = digits.data() + digits.size();
  const auto [read, problem] = std::from_chars(digits.data(), end, found.port);
  if (rest.front() != ':' || problem != std::errc{} || read != end || found.port == 0) {
    // What stands there may be a password without its @: it is not repeated.
    return wrong("what stands behind the host is no port");
  }
  return {};
}

}  // namespace chinwagd
