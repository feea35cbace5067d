#include "state/names.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

namespace chinwag {

namespace {

class sip_state {
 public:
  explicit sip_state(const hash_key& key)
      : a_(key[0] ^ 0x736f6d6570736575ULL),
        b_(key[1] ^ 0x646f72616e646f6dULL),
        c_(key[0] ^ 0x6c7967656e657261ULL),
        d_(key[1] ^ 0x7465646279746573ULL) {}

  void absorb(std::uint64_t block, int rounds) {
    d_ ^= block;
    mix(rounds);
    a_ ^= block;
  }

  std::uint64_t finish(int rounds) {
    c_ ^= 0xFF;
    mix(rounds);
    return a_ ^ b_ ^ c_ ^ d_;
  }

 private:
  void mix(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      a_ += b_;
      b_ = std::rotl(b_, 13) ^ a_;
      a_ = std::rotl(a_, 32);
      c_ += d_;
      d_ = std::rotl(d_, 16) ^ c_;
      a_ += d_;
      d_ = std::rotl(d_, 21) ^ a_;
      c_ += b_;
      b_ = std::rotl(b_, 17) ^ c_;
      c_ = std::rotl(c_, 32);
    }
  }

  std::uint64_t a_, b_, c_, d_;
};

std::uint64_t last_block(std::string_view rest, std::size_t size) {
  std::uint64_t block = static_cast<std::uint64_t>(size) << 56;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    block |= static_cast<std::uint64_t>(static_cast<unsigned char>(rest[i])) << (8 * i);
  }
  return block;
}

std::uint64_t siphash(std::string_view text, const hash_key& key, int rounds, int final_rounds) {
  sip_state state(key);
  const std::size_t size = text.size();
  for (; text.size() >= 8; text.remove_prefix(8)) {
    std::uint64_t block = 0;
    std::memcpy(&block, text.data(), sizeof block);
    state.absorb(block, rounds);
  }
  state.absorb(last_block(text, size), rounds);
  return state.finish(final_rounds);
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

std::uint64_t siphash13(std::string_view text, const hash_key& key) {
  return siphash(text, key, 1, 3);
}

std::uint64_t siphash24(std::string_view text, const hash_key& key) {
  return siphash(text, key, 2, 4);
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
