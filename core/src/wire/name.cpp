#include "wire/name.hpp"

#include <algorithm>

#include "wire/json.hpp"

namespace chinwag {

namespace {

bool has_control_character(std::string_view text) {
  bool after_c2 = false;  // U+0080-U+009F are C2 80 - C2 9F
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || (after_c2 && byte < 0xA0)) return true;
    after_c2 = byte == 0xC2;
  }
  return false;
}

}  // namespace

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= name_bytes_max && !has_control_character(text);
}

requested_name::requested_name(std::string_view raw)
    : raw_(raw), escaped_(raw.find('\\') != raw.npos) {
  if (escaped_) size_ = unescape_json(raw, plain_.data(), plain_.size());
  valid_ = size_ <= plain_.size() && is_name(view());
}

namespace {

// find_first_of() would call memchr for every character.
bool needs_escape(std::string_view name) {
  bool found = false;
  for (const char c : name) found |= c == '"' || c == '\\';
  return found;
}

}  // namespace

quoted_name::quoted_name(std::string_view name) : name_(name), escaped_(needs_escape(name)) {
  if (!escaped_) return;
  for (const char c : name) {
    if (c == '"' || c == '\\') text_[size_++] = '\\';
    text_[size_++] = c;
  }
}

}  // namespace chinwag
