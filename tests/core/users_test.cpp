#include "state/users.hpp"

#include <gtest/gtest.h>

#include <set>

#include "shard_parts.hpp"

namespace chinwag {
namespace {

std::set<connection_id> connections_of(const test::shard_parts& parts, std::string_view name) {
  std::set<connection_id> found;
  for (connection_id at = parts.people.first(name); at != no_id; at = parts.people.next(at)) {
    EXPECT_TRUE(found.insert(at).second) << "listed twice";
  }
  return found;
}

TEST(users, finds_all_connections_of_a_user) {
  test::shard_parts parts;
  const connection_id one = parts.connect("ann");
  const connection_id other = parts.connect("bob");
  const connection_id two = parts.connect("ann");
  const connection_id three = parts.connect("ann");
  EXPECT_EQ(connections_of(parts, "ann"), (std::set{one, two, three}));
  EXPECT_EQ(connections_of(parts, "bob"), (std::set{other}));
  EXPECT_TRUE(connections_of(parts, "cat").empty());
}

TEST(users, stay_found_whichever_connection_goes_first) {
  for (std::size_t first = 0; first < 3; ++first) {
    test::shard_parts parts;
    std::vector<connection_id> ids;
    for (int i = 0; i < 3; ++i) ids.push_back(parts.connect("a name that is longer than 15 bytes"));
    std::set<connection_id> left(ids.begin(), ids.end());
    for (std::size_t i = 0; i < 3; ++i) {
      const connection_id gone = ids[(first + i) % 3];
      parts.people.remove(gone);
      left.erase(gone);
      EXPECT_EQ(connections_of(parts, "a name that is longer than 15 bytes"), left);
    }
    EXPECT_EQ(parts.people.first("a name that is longer than 15 bytes"), no_id);
  }
}

TEST(users, are_counted_whichever_connection_goes_first) {
  for (std::size_t first = 0; first < 3; ++first) {
    test::shard_parts parts;
    std::vector<connection_id> ids;
    EXPECT_EQ(parts.people.count("ann"), 0U);
    for (std::uint32_t i = 0; i < 3; ++i) {
      ids.push_back(parts.connect("ann"));
      EXPECT_EQ(parts.people.count("ann"), i + 1);
    }
    parts.connect("bob");
    for (std::uint32_t i = 0; i < 3; ++i) {
      parts.people.remove(ids[(first + i) % 3]);
      EXPECT_EQ(parts.people.count("ann"), 2 - i);
    }
    EXPECT_EQ(parts.people.count("bob"), 1U);
    EXPECT_TRUE(parts.shared.links.user_counts.empty());
  }
}

}  // namespace
}  // namespace chinwag
