#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace chinwag {

inline constexpr std::size_t name_bytes_max = 64;

// chat/1 rule N1: 1 to 64 bytes of UTF-8 without control characters. `text` must be valid UTF-8.
bool is_name(std::string_view text);

// A name out of a request's field. Most names have no escapes and stay where they lie.
class requested_name {
 public:
  // `raw` is the checked text of a JSON string.
  explicit requested_name(std::string_view raw);

  bool valid() const { return valid_; }
  std::string_view view() const { return escaped_ ? std::string_view{plain_.data(), size_} : raw_; }

 private:
  std::string_view raw_;
  std::array<char, name_bytes_max> plain_;
  std::size_t size_ = 0;
  bool escaped_ = false;
  bool valid_ = false;
};

// A name as JSON text between quotes. Names hold no control characters, so quotes and backslashes
// are all that need an escape.
class quoted_name {
 public:
  explicit quoted_name(std::string_view name);

  std::string_view view() const { return escaped_ ? std::string_view{text_.data(), size_} : name_; }

 private:
  std::string_view name_;
  std::array<char, 2 * name_bytes_max> text_;
  std::size_t size_ = 0;
  bool escaped_ = false;
};

}  // namespace chinwag
