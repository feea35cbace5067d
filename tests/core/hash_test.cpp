#include <gtest/gtest.h>

#include <string>

#include "state/names.hpp"

namespace chinwag {
namespace {

// The key and messages of the reference implementation: bytes 00, 01, 02 and so on.
constexpr hash_key reference_key = {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};

std::string message_of(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text.push_back(static_cast<char>(i));
  return text;
}

TEST(hash, gives_the_published_values) {
  EXPECT_EQ(siphash24(message_of(0), reference_key), 0x726fdb47dd0e0e31ULL);
  EXPECT_EQ(siphash24(message_of(1), reference_key), 0x74f839c593dc67fdULL);
  EXPECT_EQ(siphash24(message_of(8), reference_key), 0x93f5f5799a932462ULL);
  EXPECT_EQ(siphash24(message_of(15), reference_key), 0xa129ca6149be45e5ULL);
}

TEST(hash, depends_on_the_key) {
  EXPECT_NE(siphash13("room", {1, 2}), siphash13("room", {1, 3}));
}

}  // namespace
}  // namespace chinwag
