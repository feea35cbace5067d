#include "traffic.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

namespace chinwag::load {
namespace {

std::vector<std::uint32_t> senders(std::uint32_t count) {
  std::vector<std::uint32_t> all(count);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

double direct_share(const traffic& traffic, std::uint64_t from, std::uint64_t to) {
  double direct = 0;
  for (std::uint64_t i = from; i < to; ++i) {
    direct += traffic.kind_of(i) == message_kind::direct ? 1 : 0;
  }
  return direct / static_cast<double>(to - from);
}

TEST(traffic, gives_everyone_a_turn_in_an_order_of_the_seed) {
  const traffic one(senders(100), 0.5, 1);
  const traffic two(senders(100), 0.5, 2);
  std::set<std::uint32_t> seen;
  bool differ = false;
  for (std::uint64_t i = 0; i < 100; ++i) {
    seen.insert(one.sender_of(i));
    differ = differ || one.sender_of(i) != two.sender_of(i);
    EXPECT_EQ(one.sender_of(i), one.sender_of(i + 100));
  }
  EXPECT_EQ(seen.size(), 100u);
  EXPECT_TRUE(differ);
}

TEST(traffic, keeps_the_mix_in_any_short_time) {
  for (const double share : {0.0, 0.1, 0.5, 0.8, 1.0}) {
    const traffic mixed(senders(1'000), share, 1);
    for (std::uint64_t from = 0; from < 5'000; from += 250) {
      EXPECT_NEAR(direct_share(mixed, from, from + 250), share, 0.03) << share << ' ' << from;
    }
  }
}

TEST(traffic, lets_everyone_send_both_kinds) {
  const traffic mixed(senders(10), 0.5, 1);
  for (std::uint64_t i = 0; i < 10; ++i) {
    EXPECT_NE(mixed.kind_of(i), mixed.kind_of(i + 10));
  }
}

}  // namespace
}  // namespace chinwag::load
