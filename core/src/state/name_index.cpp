#include "state/name_index.hpp"

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

}  // namespace

std::uint64_t siphash13(std::string_view text, const hash_key& key) {
  return siphash(text, key, 1, 3);
}

std::uint64_t siphash24(std::string_view text, const hash_key& key) {
  return siphash(text, key, 2, 4);
}

}  // namespace chinwag
