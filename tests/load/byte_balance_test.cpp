#include "byte_balance.hpp"

#include <gtest/gtest.h>

namespace chinwag::load {
namespace {

constexpr std::uint64_t room = 1'143;
constexpr std::uint64_t direct = 1'116;
constexpr std::uint64_t heartbeat = 47;
constexpr std::uint64_t ping = 6;
constexpr std::uint64_t announcement = 92;

// A server that was learnt, and pings once in a while.
class byte_balance_test : public testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 32; ++i) {
      lengths_.learn(message_kind::room, room);
      lengths_.learn(message_kind::direct, direct);
    }
    lengths_.learn_heartbeat(heartbeat);
    lengths_.begin(10);
    lengths_.learn_other(ping);
    lengths_.learn_other(announcement);
    balance_.due = {5'000, 100};
    balance_.heartbeats_due = 2;
    balance_.bytes = 5'000 * room + 100 * direct + 2 * heartbeat;
  }

  balance_faults with(std::int64_t change) {
    byte_balance changed = balance_;
    changed.bytes += static_cast<std::uint64_t>(change);
    return explain(changed, lengths_);
  }

  frame_lengths lengths_;
  byte_balance balance_;
};

constexpr auto r = static_cast<std::int64_t>(room);
constexpr auto d = static_cast<std::int64_t>(direct);

TEST_F(byte_balance_test, is_even_when_all_came) {
  EXPECT_EQ(difference(balance_, lengths_), 0);
  EXPECT_EQ(with(0), (balance_faults{0, 0, 0}));
}

TEST_F(byte_balance_test, tells_losses_of_either_kind) {
  EXPECT_EQ(with(-r), (balance_faults{1, 0, 0}));
  EXPECT_EQ(with(-d), (balance_faults{1, 0, 0}));
  EXPECT_EQ(with(-3 * r - 2 * d), (balance_faults{5, 0, 0}));
  EXPECT_EQ(with(-120 * r - 20 * d), (balance_faults{140, 0, 0}));
}

TEST_F(byte_balance_test, tells_repetitions_of_either_kind) {
  EXPECT_EQ(with(r), (balance_faults{0, 1, 0}));
  EXPECT_EQ(with(2 * r + 7 * d), (balance_faults{0, 9, 0}));
}

TEST_F(byte_balance_test, tells_a_loss_of_one_kind_from_a_repetition_of_the_other) {
  EXPECT_EQ(with(d - r), (balance_faults{1, 1, 0}));
  EXPECT_EQ(with(2 * r - d), (balance_faults{1, 2, 0}));
  EXPECT_EQ(with(d - r + ping), (balance_faults{1, 1, 0}));
  EXPECT_EQ(with(r - r), (balance_faults{0, 0, 0})) << "of one kind they cancel out";
}

TEST_F(byte_balance_test, allows_pings_and_announcements_in_between) {
  EXPECT_EQ(with(ping), (balance_faults{0, 0, 0}));
  EXPECT_EQ(with(2 * ping), (balance_faults{0, 0, 0}));
  EXPECT_EQ(with(announcement), (balance_faults{0, 0, 0}));
  EXPECT_EQ(with(ping - r), (balance_faults{1, 0, 0}));
  EXPECT_EQ(with(ping + 2 * d), (balance_faults{0, 2, 0}));
}

TEST_F(byte_balance_test, allows_no_more_of_them_than_the_panel_saw) {
  EXPECT_EQ(with(5 * ping).corrupted, 1u);
  for (int i = 0; i < 40; ++i) {
    lengths_.learn_other(ping);  // four for each of ten connections
  }
  EXPECT_EQ(with(5 * ping).corrupted, 0u);
}

TEST_F(byte_balance_test, expects_about_as_many_of_them_as_the_panel_saw) {
  for (int i = 0; i < 69; ++i) {
    lengths_.learn_other(ping);  // seven for each of ten connections
  }
  constexpr std::int64_t pings = 7 * static_cast<std::int64_t>(ping);
  EXPECT_EQ(with(pings), (balance_faults{0, 0, 0}));
  EXPECT_EQ(with(d - 2 * r + pings), (balance_faults{2, 1, 0}));
  EXPECT_EQ(with(2 * ping).corrupted, 1u) << "two are too few";
}

TEST_F(byte_balance_test, allows_a_heartbeat_without_its_answer) {
  EXPECT_EQ(with(-static_cast<std::int64_t>(heartbeat)), (balance_faults{0, 0, 0}));
  EXPECT_EQ(with(-static_cast<std::int64_t>(3 * heartbeat)).corrupted, 1u) << "two were sent";
}

TEST_F(byte_balance_test, calls_corrupted_what_is_no_sum_of_frames) {
  EXPECT_EQ(with(-10), (balance_faults{1, 0, 1})) << "a delivery that was cut short";
  EXPECT_EQ(with(-r - 10), (balance_faults{2, 0, 1}));
  EXPECT_EQ(with(10), (balance_faults{0, 0, 1}));
}

TEST_F(byte_balance_test, takes_what_is_missing_behind_a_close_frame_for_lost) {
  EXPECT_EQ(with(8 - 3 * r), (balance_faults{3, 0, 0}));
  const balance_faults many = with(17 - 40 * r);
  EXPECT_NEAR(static_cast<double>(many.lost), 40, 1);
  EXPECT_EQ(many.corrupted, 0u);
  EXPECT_EQ(with(17 + static_cast<std::int64_t>(announcement) - r), (balance_faults{1, 0, 0}));
  EXPECT_EQ(with(17).corrupted, 1u) << "nothing is missing";
}

TEST_F(byte_balance_test, knows_that_pings_hide_what_was_cut_short) {
  for (int i = 0; i < 29; ++i) {
    lengths_.learn_other(ping);  // three for each of ten connections
  }
  EXPECT_EQ(with(3 * ping - 10), (balance_faults{1, 0, 1}));
}

TEST_F(byte_balance_test, counts_no_bytes_at_all_as_everything_lost) {
  const balance_faults found = with(-static_cast<std::int64_t>(balance_.bytes));
  EXPECT_NEAR(static_cast<double>(found.lost), 5'100, 3);
}

TEST_F(byte_balance_test, takes_what_is_missing_of_a_connection_that_was_cut_for_lost) {
  const auto cut = [this](std::int64_t change) {
    byte_balance changed = balance_;
    changed.bytes += static_cast<std::uint64_t>(change);
    return explain_cut(changed, lengths_);
  };
  EXPECT_EQ(cut(0), (balance_faults{0, 0, 0}));
  EXPECT_EQ(cut(-10), (balance_faults{1, 0, 0})) << "the last delivery was cut";
  EXPECT_EQ(cut(-r), (balance_faults{1, 0, 0}));
  EXPECT_EQ(cut(-d), (balance_faults{1, 0, 0}));
  EXPECT_EQ(cut(-2 * r + 500), (balance_faults{2, 0, 0}));
  EXPECT_EQ(cut(-10 * r + r * 9 / 10), (balance_faults{10, 0, 0})) << "most of the last is there";
  EXPECT_EQ(cut(127), (balance_faults{0, 0, 0})) << "a goodbye";
  EXPECT_EQ(cut(127 - 3 * r), (balance_faults{3, 0, 0}));
  EXPECT_EQ(cut(r + 4), (balance_faults{0, 0, 0})) << "many announcements";
  EXPECT_EQ(cut(-static_cast<std::int64_t>(balance_.bytes)).lost, 5'100u);
}

TEST(frame_lengths, are_known_once_seen_often_and_alike) {
  frame_lengths lengths;
  for (int i = 0; i < 31; ++i) {
    lengths.learn(message_kind::room, 100);
  }
  EXPECT_FALSE(lengths.knows(message_kind::room));
  lengths.learn(message_kind::room, 100);
  EXPECT_TRUE(lengths.knows(message_kind::room));
  EXPECT_FALSE(lengths.knows(message_kind::direct));
  lengths.learn(message_kind::room, 101);
  EXPECT_TRUE(lengths.vary());
  EXPECT_FALSE(lengths.knows(message_kind::room));
}

}  // namespace
}  // namespace chinwag::load
