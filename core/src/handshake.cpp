#include "handshake.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

#include "name.hpp"
#include "utf8.hpp"

namespace chinwag {

namespace {

constexpr std::string_view accept_guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

bool is_base64(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/';
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Form decoding; nothing if a percent sign is not followed by two hex digits.
std::optional<std::string> decode_form(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain.push_back(text[i] == '+' ? ' ' : text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    plain.push_back(static_cast<char>(high << 4 | low));
    i += 2;
  }
  return plain;
}

}  // namespace

bool is_websocket_key(std::string_view key) {
  // 16 bytes are 22 digits and two pads; the last digit holds only two bits.
  constexpr std::size_t digits = 22;
  if (key.size() != digits + 2 || !key.ends_with("==")) return false;
  return std::all_of(key.begin(), key.begin() + digits, is_base64) &&
         std::string_view{"AQgw"}.find(key[digits - 1]) != std::string_view::npos;
}

std::string websocket_accept(std::string_view key) {
  std::string text(key);
  text += accept_guid;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::array<unsigned char, 2 * EVP_MAX_MD_SIZE> encoded{};
  const int length = EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(size));
  return {reinterpret_cast<const char*>(encoded.data()), static_cast<std::size_t>(length)};
}

asked_user user_from_query(std::string_view query) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto key = decode_form(pair.substr(0, equals));
    if (!key || *key != "user") continue;
    const auto name = decode_form(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !is_utf8(*name)) return {false};
    if (name->empty()) return {};
    return {is_name(*name), *name};
  }
  return {};
}

std::optional<std::string> random_user() {
  try {
    return boost::uuids::to_string(boost::uuids::random_generator_pure{}());
  } catch (const boost::uuids::entropy_error&) {
    return std::nullopt;
  }
}

}  // namespace chinwag
