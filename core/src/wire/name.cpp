#include "wire/name.hpp"

#include <algorithm>
#include <cstring>

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

std::uint32_t slot_of(const stored_name& name) {
  std::uint32_t slot = 0;
  std::memcpy(&slot, name.bytes.data(), sizeof slot);
  return slot;
}

bool is_short(const stored_name& name) {
  return name.size <= sizeof name.bytes;
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

quoted_name::quoted_name(std::string_view name)
    : name_(name), escaped_(name.find_first_of("\"\\") != name.npos) {
  if (!escaped_) return;
  for (const char c : name) {
    if (c == '"' || c == '\\') text_[size_++] = '\\';
    text_[size_++] = c;
  }
}

stored_name name_store::put(std::string_view name) {
  stored_name stored;
  stored.size = static_cast<std::uint8_t>(name.size());
  if (is_short(stored)) {
    std::copy(name.begin(), name.end(), stored.bytes.begin());
    return stored;
  }
  const std::uint32_t slot = long_names_.add();
  std::copy(name.begin(), name.end(), long_names_[slot].begin());
  std::memcpy(stored.bytes.data(), &slot, sizeof slot);
  return stored;
}

void name_store::drop(const stored_name& name) {
  if (!is_short(name)) long_names_.remove(slot_of(name));
}

std::string_view name_store::view(const stored_name& name) const {
  if (is_short(name)) return {name.bytes.data(), name.size};
  return {long_names_[slot_of(name)].data(), name.size};
}

}  // namespace chinwag
