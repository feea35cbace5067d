#include "names.hpp"

#include <boost/locale/utf.hpp>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <charconv>

namespace {

constexpr std::size_t name_bytes_max = 64;

std::string form_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = text[i] == '+' ? ' ' : text[i];
    if (text[i] == '%' && i + 2 < text.size()) {
      // What is not two digits gives some other name, or none that is valid.
      std::from_chars(&text[i + 1], &text[i + 1] + 2, byte, 16);
      i += 2;
    }
    decoded += static_cast<char>(byte);
  }
  return decoded;
}

}  // namespace

bool valid_utf8(std::string_view text, bool with_controls) {
  using namespace boost::locale::utf;
  for (auto at = text.begin(); at != text.end();) {
    auto const c = utf_traits<char>::decode(at, text.end());
    if (c == illegal || c == incomplete) return false;
    if (!with_controls && (c < 0x20 || (c >= 0x7f && c <= 0x9f))) return false;
  }
  return true;
}

bool valid_name(std::string_view name) {
  return !name.empty() && name.size() <= name_bytes_max && valid_utf8(name, false);
}

std::string user_of(std::string_view target) {
  static boost::uuids::random_generator random;
  for (auto at = target.find('?'); at != target.npos; at = target.find('&')) {
    target.remove_prefix(at + 1);
    if (!target.starts_with("user=")) continue;
    auto const user = form_decoded(target.substr(5, target.find('&') - 5));
    return user.empty() ? to_string(random()) : user;
  }
  return to_string(random());
}
