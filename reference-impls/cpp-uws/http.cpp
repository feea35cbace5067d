#include "http.hpp"

#include <algorithm>
#include <cstdio>
#include <random>

#include "chat.hpp"

namespace {

constexpr std::size_t head_bytes_max = 65'536;

std::size_t lines(uWS::HttpRequest& request, std::string_view name) {
  std::size_t count = 0;
  for (auto const& [key, value] : request) count += key == name;
  return count;
}

/// A list may come in several lines (RFC 9110, 5.3); its members are compared without case.
bool has_member(uWS::HttpRequest& request, std::string_view name, std::string_view member) {
  for (auto [key, value] : request) {
    if (key != name) continue;
    while (!value.empty()) {
      auto one = value.substr(0, value.find(','));
      value.remove_prefix(std::min(value.size(), one.size() + 1));
      one.remove_prefix(std::min(one.size(), one.find_first_not_of(" \t")));
      one = one.substr(0, one.find_last_not_of(" \t") + 1);
      if (std::ranges::equal(one, member, {}, [](unsigned char c) { return std::tolower(c); })) {
        return true;
      }
    }
  }
  return false;
}

std::string random_uuid() {
  static std::mt19937_64 random{std::random_device{}()};
  auto const high = (random() & ~0xf000ull) | 0x4000;
  auto const low = (random() & ~(3ull << 62)) | (1ull << 63);
  char text[37];
  std::snprintf(text, sizeof text, "%08llx-%04llx-%04llx-%04llx-%012llx", high >> 32,
                high >> 16 & 0xffff, high & 0xffff, low >> 48, low & 0xffff'ffff'ffff);
  return text;
}

}  // namespace

bool answerable(uWS::HttpRequest& request) {
  std::size_t bytes = request.getFullUrl().size();
  for (auto const& [name, value] : request) bytes += name.size() + value.size();
  return bytes <= head_bytes_max && lines(request, "content-length") < 2;
}

bool has_one_host(uWS::HttpRequest& request) {
  return lines(request, "host") == 1;
}

bool is_upgrade(uWS::HttpRequest& request) {
  return has_one_host(request) && lines(request, "sec-websocket-key") == 1 &&
         lines(request, "sec-websocket-version") == 1 &&
         request.getHeader("sec-websocket-version") == "13" &&
         has_member(request, "connection", "upgrade") &&
         has_member(request, "upgrade", "websocket") && lines(request, "content-length") == 0 &&
         lines(request, "transfer-encoding") == 0;
}

std::optional<std::string> user_of(uWS::HttpRequest& request) {
  std::string user(request.getQuery("user"));
  if (user.empty()) return random_uuid();
  auto* const bytes = reinterpret_cast<unsigned char*>(user.data());
  if (!uWS::protocol::isValidUtf8(bytes, user.size()) || !valid_name(user)) return std::nullopt;
  return user;
}
