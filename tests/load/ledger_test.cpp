#include "ledger.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace chinwag::load {
namespace {

// Five connections in rooms of two: {0, 1}, {2, 3}, {4}; partners are two further on.
class ledger_test : public testing::Test {
 protected:
  void SetUp() override {
    for (std::uint32_t sender = 0; sender < 5; ++sender) {
      for (std::uint32_t i = 0; i < 8; ++i) {
        ledger_.next_sequence(message_kind::room, sender, 0);
        ledger_.next_sequence(message_kind::direct, sender, 0);
      }
    }
  }

  arrival room(std::uint32_t receiver, std::uint32_t sender, std::uint32_t sequence) {
    return ledger_.arrive(receiver, {message_kind::room, 1, sender, sequence, 0});
  }

  arrival direct(std::uint32_t receiver, std::uint32_t sender, std::uint32_t sequence) {
    return ledger_.arrive(receiver, {message_kind::direct, 1, sender, sequence, 0});
  }

  roster names_{"x", {2}};
  seating seating_{{0, 1, 2, 3, 4}, 5, names_};
  ledger ledger_{seating_};
};

TEST_F(ledger_test, numbers_each_sender_and_kind_apart) {
  ledger fresh(seating_);
  EXPECT_EQ(fresh.next_sequence(message_kind::room, 1, 0), 0u);
  EXPECT_EQ(fresh.next_sequence(message_kind::room, 1, 0), 1u);
  EXPECT_EQ(fresh.next_sequence(message_kind::direct, 1, 0), 0u);
  EXPECT_EQ(fresh.next_sequence(message_kind::room, 2, 0), 0u);
  EXPECT_EQ(fresh.sent_to_room(0), 2u);
  EXPECT_EQ(fresh.sent_to_room(1), 1u);
  EXPECT_EQ(fresh.sent_directly_to(3), 1u);
}

TEST_F(ledger_test, takes_what_comes_in_order) {
  for (std::uint32_t i = 0; i < 8; ++i) {
    EXPECT_EQ(room(0, 0, i), arrival::first);
    EXPECT_EQ(room(1, 0, i), arrival::first);
    EXPECT_EQ(room(0, 1, i), arrival::first);
    EXPECT_EQ(direct(2, 0, i), arrival::first);
  }
}

TEST_F(ledger_test, tells_a_second_copy) {
  EXPECT_EQ(room(0, 1, 0), arrival::first);
  EXPECT_EQ(room(0, 1, 0), arrival::duplicate);
  EXPECT_EQ(room(0, 1, 3), arrival::first);
  EXPECT_EQ(room(0, 1, 3), arrival::duplicate);
  EXPECT_EQ(room(0, 1, 0), arrival::duplicate);
}

TEST_F(ledger_test, tells_what_was_overtaken_once_each) {
  EXPECT_EQ(direct(3, 1, 7), arrival::first);
  for (const std::uint32_t late : {3u, 0u, 6u, 1u, 5u, 2u, 4u}) {
    EXPECT_EQ(direct(3, 1, late), arrival::reordered) << late;
    EXPECT_EQ(direct(3, 1, late), arrival::duplicate) << late;
  }
}

TEST_F(ledger_test, refuses_what_should_never_have_come) {
  EXPECT_EQ(room(0, 2, 0), arrival::foreign) << "another room";
  EXPECT_EQ(direct(1, 0, 0), arrival::foreign) << "not the partner";
  EXPECT_EQ(room(0, 1, 8), arrival::foreign) << "never sent";
  EXPECT_EQ(room(0, 5, 0), arrival::foreign) << "nobody";
}

TEST(ledger, keeps_a_sender_s_rooms_apart) {
  const roster names("x", {5, 3});  // districts of 25 with 15 rooms
  std::vector<std::uint32_t> all(25);
  std::iota(all.begin(), all.end(), 0);
  const seating seats(all, 25, names);
  ledger counted(seats);
  const std::uint32_t sender = 7;
  for (std::uint32_t slot = 0; slot < 3; ++slot) {
    EXPECT_EQ(counted.next_sequence(message_kind::room, sender, slot), 0u);
    EXPECT_EQ(counted.next_sequence(message_kind::room, sender, slot), 1u);
  }
  for (const std::uint32_t receiver : all) {
    for (std::uint8_t slot = 0; slot < 3; ++slot) {
      const bool mates = names.room_of(receiver, slot) == names.room_of(sender, slot);
      for (std::uint32_t sequence = 0; sequence < 2; ++sequence) {
        EXPECT_EQ(counted.arrive(receiver, {message_kind::room, 1, sender, sequence, 0, slot}),
                  mates ? arrival::first : arrival::foreign);
      }
    }
  }
  EXPECT_EQ(counted.arrive(sender, {message_kind::room, 1, sender, 0, 0, 3}), arrival::foreign)
      << "it has no fourth room";
}

TEST(seating, pairs_across_rooms_and_counts_members) {
  const roster names("x", {2});
  const seating seats({0, 1, 2, 4}, 5, names);  // connection 3 is gone
  EXPECT_EQ(seats.members(0), 2u);
  EXPECT_EQ(seats.members(1), 1u);
  EXPECT_EQ(seats.members(2), 1u);
  EXPECT_EQ(seats.writer_to(4), 1u);
  EXPECT_EQ(seats.writer_to(0), 2u);
  EXPECT_EQ(seats.partner_of(0), 2u);
  EXPECT_EQ(seats.partner_of(1), 4u);
  EXPECT_EQ(seats.partner_of(2), 0u);
  EXPECT_EQ(seats.partner_of(4), 1u);
}

TEST(seating, pairs_within_the_only_room) {
  const roster names("x", {100});
  const seating seats({0, 1, 2}, 3, names);
  EXPECT_EQ(seats.partner_of(2), 0u);
  const seating alone({0}, 1, names);
  EXPECT_EQ(alone.partner_of(0), 0u);
}

}  // namespace
}  // namespace chinwag::load
