#include "stamp.hpp"

#include <array>
#include <cstring>
#include <string>

namespace chinwag::load {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::size_t padding_starts = 1024;  // a power of two

constexpr std::array<std::uint8_t, 256> make_hex_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(0xff);
  for (std::size_t digit = 0; digit < hex_digits.size(); ++digit) {
    values[static_cast<unsigned char>(hex_digits[digit])] = static_cast<std::uint8_t>(digit);
  }
  return values;
}

constexpr auto hex_values = make_hex_values();

char* write_hex(std::uint64_t value, int digits, char* out) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
    *out++ = hex_digits[(value >> shift) & 0xf];
  }
  return out;
}

// Reads several numbers in a row and remembers whether any character was not a digit, so that there
// is one branch.
class hex_reader {
 public:
  explicit hex_reader(const char* in) : in_(in) {}

  template <int digits>
  std::uint64_t next() {
    std::uint64_t value = 0;
    for (int i = 0; i < digits; ++i) {
      const std::uint8_t digit = hex_values[static_cast<unsigned char>(*in_++)];
      seen_ |= digit;
      value = value << 4 | (digit & 0xf);
    }
    return value;
  }

  bool good() const { return seen_ <= 0xf; }

 private:
  const char* in_;
  std::uint8_t seen_ = 0;
};

std::string make_padding() {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text(padding_starts + content_bytes_max, '\0');
  std::uint64_t state = 0x9e3779b97f4a7c15;
  for (char& character : text) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    character = alphabet[state >> 58];
  }
  return text;
}

}  // namespace

void write_stamp(const stamp& stamp, char* out) {
  std::memcpy(out, stamp_magic.data(), stamp_magic.size());
  out += stamp_magic.size();
  *out++ = stamp.kind == message_kind::room ? 'r' : 'd';
  out = write_hex(stamp.hold, 4, out);
  out = write_hex(stamp.sender, 8, out);
  out = write_hex(stamp.sequence, 8, out);
  write_hex(static_cast<std::uint64_t>(stamp.planned_ns), 16, out);
}

std::optional<stamp> read_stamp(const char* in) {
  const char kind = in[stamp_magic.size()];
  if (std::memcmp(in, stamp_magic.data(), stamp_magic.size()) != 0 ||
      (kind != 'r' && kind != 'd')) {
    return std::nullopt;
  }
  hex_reader digits(in + stamp_magic.size() + 1);
  stamp result{};
  result.kind = kind == 'r' ? message_kind::room : message_kind::direct;
  result.hold = static_cast<std::uint16_t>(digits.next<4>());
  result.sender = static_cast<std::uint32_t>(digits.next<8>());
  result.sequence = static_cast<std::uint32_t>(digits.next<8>());
  result.planned_ns = static_cast<std::int64_t>(digits.next<16>());
  return digits.good() ? std::optional(result) : std::nullopt;
}

std::string_view padding_of(const stamp& stamp, std::size_t bytes) {
  static const std::string padding = make_padding();
  const std::size_t mixed = stamp.sender * std::size_t{131} + stamp.sequence * std::size_t{17} +
                            static_cast<std::size_t>(stamp.kind);
  return std::string_view(padding).substr(mixed % padding_starts, bytes);
}

}  // namespace chinwag::load
