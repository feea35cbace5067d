#include "name.hpp"

#include <boost/locale/utf.hpp>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <charconv>

namespace chat {
namespace {

constexpr std::size_t name_bytes_max = 64;

/// Whether the text is UTF-8 and all of its code points are acceptable.
template <class Predicate>
bool all_code_points(std::string_view text, Predicate acceptable) {
  using namespace boost::locale::utf;
  for (auto at = text.begin(); at != text.end();) {
    auto const c = utf_traits<char>::decode(at, text.end());
    if (c == illegal || c == incomplete || !acceptable(c)) return false;
  }
  return true;
}

std::string form_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    char const* const hex = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(hex, hex + 2, byte, 16).ptr == hex + 2) {
      decoded += static_cast<char>(byte);
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

}  // namespace

bool valid_utf8(std::string_view text) {
  return all_code_points(text, [](auto) { return true; });
}

bool valid_name(std::string_view name) {
  if (name.empty() || name.size() > name_bytes_max) return false;
  return all_code_points(name, [](auto c) { return c >= 0x20 && (c < 0x7f || c > 0x9f); });
}

std::string user_of(std::string_view target) {
  auto const question_mark = target.find('?');
  if (question_mark == target.npos) return {};
  for (auto rest = target.substr(question_mark + 1); !rest.empty();) {
    auto const field = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(field.size() + 1, rest.size()));
    auto const equals = std::min(field.find('='), field.size());
    if (form_decoded(field.substr(0, equals)) != "user") continue;
    return form_decoded(field.substr(std::min(equals + 1, field.size())));
  }
  return {};
}

std::string random_name() {
  static boost::uuids::random_generator generate;
  return to_string(generate());
}

}  // namespace chat
