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

// Made by Rust's core::hash::SipHasher13 (1-3 rounds, the algorithm of its DefaultHasher). Those of
// key 0 are also what CPython 3.11 hashes bytes to under PYTHONHASHSEED=0.
TEST(hash, gives_what_other_implementations_of_13_rounds_give) {
  EXPECT_EQ(siphash13(message_of(0), reference_key), 0xabac0158050fc4dcULL);
  EXPECT_EQ(siphash13(message_of(1), reference_key), 0xc9f49bf37d57ca93ULL);
  EXPECT_EQ(siphash13(message_of(7), reference_key), 0xd3927d989bb11140ULL);
  EXPECT_EQ(siphash13(message_of(8), reference_key), 0x369095118d299a8eULL);
  EXPECT_EQ(siphash13(message_of(15), reference_key), 0xd320d86d2a519956ULL);
  EXPECT_EQ(siphash13(message_of(16), reference_key), 0xcc4fdd1a7d908b66ULL);
  EXPECT_EQ(siphash13(message_of(63), reference_key), 0x9d199062b7bbb3a8ULL);
  EXPECT_EQ(siphash13(message_of(1), {0, 0}), 0x68a914128e01e473ULL);
  EXPECT_EQ(siphash13(message_of(15), {0, 0}), 0xf30eb725bb91c9eaULL);
}

TEST(hash, depends_on_the_key) {
  EXPECT_NE(siphash13("room", {1, 2}), siphash13("room", {1, 3}));
}

TEST(name_index, finds_each_of_many_until_it_is_removed) {
  constexpr std::uint32_t many = 100'000;
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < many; ++i) names.push_back("room " + std::to_string(i));
  name_index index([&](std::uint32_t id) { return std::string_view(names[id]); }, {1, 2});
  for (std::uint32_t i = 0; i < many; ++i) index.add(i);
  for (std::uint32_t i = 0; i < many; i += 2) index.remove(i);
  for (std::uint32_t i = 0; i < many; ++i) {
    ASSERT_EQ(index.find(names[i]), i % 2 == 0 ? no_id : i) << names[i];
  }
  EXPECT_EQ(index.find("room"), no_id);
}

}  // namespace
}  // namespace chinwag
