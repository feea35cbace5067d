#include "stamp.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

namespace chinwag::load {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::size_t padding_starts = 1024;  // a power of two

char* write_hex(std::uint64_t value, int digits, char* out) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
    *out++ = hex_digits[(value >> shift) & 0xf];
  }
  return out;
}

// Eight characters in one word, the first in the lowest byte: memory order on the machines that
// this is built for.
static_assert(std::endian::native == std::endian::little);
using eight = std::uint64_t;

constexpr eight each(std::uint8_t byte) {
  return byte * eight{0x0101010101010101};
}

eight load_eight(const char* in) {
  eight word = 0;
  std::memcpy(&word, in, sizeof(word));
  return word;
}

// Reads eight hexadecimal digits at once: this is done for every delivery, and digit by digit it
// took as long as all other work of this program on it.
class hex_reader {
 public:
  std::uint32_t read(eight digits) {
    const eight letters = digits >> 6 & each(1);  // 'a' to 'f' have bit 6, '0' to '9' have not
    const eight values = (digits & each(0xf)) + letters * 9;
    const eight spelt = values + each('0') + letters * ('a' - 10 - '0');
    const eight above_nine = (values + each(6)) >> 4 & each(1);
    good_ = good_ && spelt == digits && above_nine == letters && (values & each(0xf0)) == 0;
    eight packed = __builtin_bswap64(values);
    packed = (packed | packed >> 4) & 0x00ff00ff00ff00ff;
    packed = (packed | packed >> 8) & 0x0000ffff0000ffff;
    return static_cast<std::uint32_t>(packed | packed >> 16);
  }

  bool good() const { return good_; }

 private:
  bool good_ = true;
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
  out = write_hex(static_cast<std::uint64_t>(stamp.planned_ns), 16, out);
  out = write_hex(stamp.slot, 2, out);
  write_hex(std::min(stamp.lag_us, lag_us_max), 6, out);
}

std::optional<stamp> read_stamp(const char* in) {
  const char kind = in[stamp_magic.size()];
  if (std::memcmp(in, stamp_magic.data(), stamp_magic.size()) != 0 ||
      (kind != 'r' && kind != 'd')) {
    return std::nullopt;
  }
  constexpr eight zeros_for_magic = each('0') & UINT32_MAX;
  const eight hold_digits = (load_eight(in) & ~eight{UINT32_MAX}) | zeros_for_magic;
  hex_reader digits;
  stamp result{};
  result.kind = kind == 'r' ? message_kind::room : message_kind::direct;
  result.hold = static_cast<std::uint16_t>(digits.read(hold_digits));
  result.sender = digits.read(load_eight(in + 8));
  result.sequence = digits.read(load_eight(in + 16));
  const std::uint64_t low_half = digits.read(load_eight(in + 32));
  result.planned_ns =
      static_cast<std::int64_t>(std::uint64_t{digits.read(load_eight(in + 24))} << 32 | low_half);
  const std::uint32_t behind = digits.read(load_eight(in + 40));
  result.slot = static_cast<std::uint8_t>(behind >> 24);
  result.lag_us = behind & lag_us_max;
  return digits.good() ? std::optional(result) : std::nullopt;
}

std::string_view padding_of(const stamp& stamp, std::size_t bytes) {
  static const std::string padding = make_padding();
  const std::size_t mixed = stamp.sender * std::size_t{131} + stamp.sequence * std::size_t{17} +
                            static_cast<std::size_t>(stamp.kind);
  return std::string_view(padding).substr(mixed % padding_starts, bytes);
}

}  // namespace chinwag::load
