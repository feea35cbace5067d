#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace chinwag {

// Numbers and texts in a row, for a process on the same machine that knows their order.
class image_writer {
 public:
  template <typename Number>
  void number(Number value) {
    static_assert(std::is_integral_v<Number> || std::is_enum_v<Number>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }

  void text(std::string_view bytes) {
    number(bytes.size());
    bytes_.append(bytes);
  }

  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Reads them again. Behind the end, or after anything else that is wrong, everything is zero or
// empty, and good() is false.
class image_reader {
 public:
  explicit image_reader(std::string_view bytes) : rest_(bytes) {}

  template <typename Number>
  Number number() {
    static_assert(std::is_integral_v<Number> || std::is_enum_v<Number>);
    if constexpr (std::is_same_v<Number, bool>) {
      // A bool of any other value has no meaning.
      const auto value = number<std::uint8_t>();
      if (value > 1) fail();
      return value == 1;
    } else {
      Number value{};
      const std::string_view bytes = take(sizeof value);
      if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof value);
      return value;
    }
  }

  // Good as long as what is read from.
  std::string_view text() { return take(number<std::size_t>()); }

  void fail() {
    good_ = false;
    rest_ = {};
  }
  bool good() const { return good_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view take(std::size_t count) {
    if (count > rest_.size()) fail();
    const std::string_view taken = rest_.substr(0, good_ ? count : 0);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view rest_;
  bool good_ = true;
};

}  // namespace chinwag
