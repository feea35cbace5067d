#include <gtest/gtest.h>

#include "state/buffers.hpp"

namespace chinwag {
namespace {

using state = held_request::state;

TEST(request_queue, knows_a_request_by_its_number_until_it_is_decided) {
  request_queue held;
  held.add({.now = state::asked, .number = 7, .text = "a"});
  held.add({.now = state::asked, .number = 9, .text = "b"});
  EXPECT_FALSE(held.decide(8, {}));
  EXPECT_TRUE(held.decide(9, {}));
  EXPECT_FALSE(held.decide(9, {})) << "decided already";
  EXPECT_EQ(held.front().number, 7U);
  EXPECT_EQ(held.front().now, state::asked);
}

TEST(request_queue, may_ask_once_nothing_that_changes_rooms_waits) {
  request_queue held;
  held.add({.changes_rooms = true, .text = "join"});
  held.add({.text = "message"});
  EXPECT_FALSE(held.may_ask());
  held.front_asked(1, true);
  EXPECT_FALSE(held.may_ask());
  held.pop();
  EXPECT_TRUE(held.may_ask());
}

TEST(request_queue, what_turns_out_to_be_a_message_changes_no_rooms) {
  request_queue held;
  held.add({.changes_rooms = true, .text = "x"});
  held.front_asked(1, false);
  EXPECT_TRUE(held.may_ask());
  held.pop();
  EXPECT_TRUE(held.may_ask());
}

TEST(request_queue, may_not_ask_before_one_in_front_was_asked_about) {
  request_queue held;
  held.add({.changes_rooms = true, .text = "join"});
  held.add({.to_be_asked = true, .text = "first"});
  held.pop();
  EXPECT_FALSE(held.may_ask());
  held.front_asked(1, false);
  EXPECT_TRUE(held.may_ask());
  held.pop();
  held.add({.to_be_asked = true, .text = "of a room that it has left"});
  held.pop();
  EXPECT_TRUE(held.may_ask());
}

TEST(request_queue, costs_its_texts_and_nothing_when_it_is_empty) {
  request_queue held;
  EXPECT_EQ(held.bytes(), 0U);
  held.add({.text = std::string(1'000, 'x')});
  EXPECT_GE(held.bytes(), 1'000U);
  held.pop();
  EXPECT_EQ(held.bytes(), 0U);
  EXPECT_TRUE(held.empty());
}

}  // namespace
}  // namespace chinwag
