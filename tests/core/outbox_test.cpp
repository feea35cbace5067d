#include <gtest/gtest.h>

#include "state/buffers.hpp"

namespace chinwag {
namespace {

TEST(outbox, tells_how_much_of_a_frame_is_left) {
  outbox box;
  box.add({"hello"});
  box.add(opcode::ping, "");
  ASSERT_EQ(box.waiting().size(), 9U);
  EXPECT_EQ(box.sent(3, 0), 4U);
  EXPECT_EQ(box.sent(4, 4), 0U);
  EXPECT_EQ(box.sent(1, 0), 1U);
  EXPECT_FALSE(box.empty());
  EXPECT_EQ(box.sent(1, 1), 0U);
  EXPECT_TRUE(box.empty());
}

TEST(outbox, an_http_response_is_one_unit_before_the_frames) {
  outbox box;
  box.add_raw("HTTP/1.1 101\r\n\r\n");
  box.add({"hi"});
  EXPECT_EQ(box.sent(4, 0), 12U);
  EXPECT_EQ(box.sent(14, 12), 2U);
  EXPECT_EQ(box.waiting(), "hi");
}

TEST(outbox, keeps_only_the_frame_that_has_begun) {
  outbox box;
  box.add({"abc"});
  box.add({"def"});
  const std::uint32_t open = box.sent(2, 0);
  box.keep_only(open);
  EXPECT_EQ(box.waiting(), "abc");
}

TEST(outbox, keeps_no_memory_of_what_it_does_not_keep) {
  outbox box;
  for (int i = 0; i < 100; ++i) box.add({std::string(1'000, 'x')});
  const std::uint32_t open = box.sent(100, 0);
  box.keep_only(open);
  EXPECT_EQ(box.waiting().size(), open);
  EXPECT_LT(box.memory(), 2'000U);
}

TEST(outbox, the_rest_of_an_open_frame_goes_first) {
  outbox box;
  box.add({"later"});
  box.add_first("rest");
  EXPECT_EQ(box.waiting(), "rest\x81\x05later");
  EXPECT_EQ(box.sent(4, 4), 0U);
  EXPECT_EQ(box.waiting().size(), 7U);
}

TEST(outbox, sent_bytes_do_not_pile_up) {
  outbox box;
  const std::string frame(1'000, 'x');
  std::size_t open = 0;
  for (int i = 0; i < 1'000; ++i) {
    box.add({frame});
    open = box.sent(1'000, static_cast<std::uint32_t>(open));
  }
  EXPECT_EQ(box.waiting().size(), 4'000U);
}

}  // namespace
}  // namespace chinwag
