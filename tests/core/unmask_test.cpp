#include <gtest/gtest.h>

#include <string>

#include "wire/frame.hpp"

namespace chinwag {
namespace {

std::string one_byte_at_a_time(std::string text, const mask_key& key, std::size_t phase) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    text[i] = static_cast<char>(text[i] ^ static_cast<char>(key[(phase + i) % 4]));
  }
  return text;
}

TEST(unmask, equals_the_definition_for_every_size_phase_and_alignment) {
  const mask_key key{0x12, 0x9A, 0xFF, 0x01};
  for (std::size_t size = 0; size < 100; ++size) {
    for (std::size_t phase = 0; phase < 8; ++phase) {
      std::string padded(size + 8, 'p');
      for (std::size_t i = 0; i < size; ++i) padded[phase + i] = static_cast<char>(i * 7 + size);
      const std::string expected = one_byte_at_a_time(padded.substr(phase, size), key, phase);
      unmask(std::span(padded).subspan(phase, size), key, phase);
      ASSERT_EQ(padded.substr(phase, size), expected) << size << " bytes, phase " << phase;
      ASSERT_EQ(padded.substr(0, phase), std::string(phase, 'p')) << "wrote before its piece";
      ASSERT_EQ(padded.substr(phase + size), std::string(8 - phase, 'p')) << "wrote behind it";
    }
  }
}

}  // namespace
}  // namespace chinwag
