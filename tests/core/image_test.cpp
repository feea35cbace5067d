#include "wire/image.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace chinwag {
namespace {

TEST(image, what_was_written_is_read_again) {
  image_writer to;
  to.number(std::uint32_t{7});
  to.number(true);
  to.text("ann");
  to.number(false);
  const std::string bytes = to.take();
  image_reader from(bytes);
  EXPECT_EQ(from.number<std::uint32_t>(), 7U);
  EXPECT_TRUE(from.number<bool>());
  EXPECT_EQ(from.text(), "ann");
  EXPECT_FALSE(from.number<bool>());
  EXPECT_TRUE(from.good());
  EXPECT_TRUE(from.at_end());
}

TEST(image, a_bool_is_one_of_two_values) {
  for (const char byte : {'\2', '\x7F', '\xFF'}) {
    const std::string bytes(1, byte);
    image_reader from(bytes);
    EXPECT_FALSE(from.number<bool>());
    EXPECT_FALSE(from.good());
  }
}

TEST(image, what_is_cut_off_is_empty_and_not_good) {
  image_writer to;
  to.text("a text");
  std::string bytes = to.take();
  bytes.pop_back();
  image_reader from(bytes);
  EXPECT_EQ(from.text(), "");
  EXPECT_FALSE(from.good());
  EXPECT_EQ(from.number<std::uint64_t>(), 0U);
}

}  // namespace
}  // namespace chinwag
