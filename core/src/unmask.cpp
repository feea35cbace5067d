#include "unmask.hpp"

#include <cstdint>
#include <cstring>

namespace chinwag {

namespace {

// The key turned so that its first byte meets the first byte of this piece, twice in a word.
std::uint64_t repeated_key(const mask_key& key, std::size_t phase) {
  std::array<unsigned char, 8> turned{};
  for (std::size_t i = 0; i < turned.size(); ++i) turned[i] = key[(phase + i) % key.size()];
  std::uint64_t word = 0;
  std::memcpy(&word, turned.data(), sizeof word);
  return word;
}

}  // namespace

void unmask(std::span<char> payload, const mask_key& key, std::size_t phase) {
  const std::uint64_t word_key = repeated_key(key, phase);
  char* bytes = payload.data();
  const std::size_t words = payload.size() / sizeof word_key;
  // One word a step without a branch: compilers turn this into vector instructions.
  for (std::size_t i = 0; i < words; ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + i * sizeof word, sizeof word);
    word ^= word_key;
    std::memcpy(bytes + i * sizeof word, &word, sizeof word);
  }
  for (std::size_t i = words * sizeof word_key; i < payload.size(); ++i) {
    bytes[i] =
        static_cast<char>(static_cast<unsigned char>(bytes[i]) ^ key[(phase + i) % key.size()]);
  }
}

}  // namespace chinwag
