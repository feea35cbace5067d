#include "roster.hpp"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <set>
#include <vector>

#include "panel.hpp"
#include "seating.hpp"

namespace chinwag::load {
namespace {

std::vector<std::uint32_t> everyone(std::uint32_t count) {
  std::vector<std::uint32_t> all(count);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

TEST(roster, seats_neighbours_together_and_has_names_of_one_width) {
  const roster names("x", {10});
  EXPECT_EQ(names.room_of(19, 0), 1u);
  EXPECT_EQ(names.place_of(19, 0), 9u);
  EXPECT_EQ(names.user(19), "x-u0000019");
  EXPECT_EQ(names.room(19, 0), "x-r0000001");
}

TEST(roster, gives_everybody_as_many_full_rooms_as_slots) {
  const roster names("x", {50, 20});
  const seating seats(everyone(1'000), 1'000, names);
  ASSERT_EQ(seats.rooms(), 400u);
  for (std::uint32_t room = 0; room < seats.rooms(); ++room) {
    EXPECT_EQ(seats.members(room), 50u) << room;
  }
  for (std::uint32_t id = 0; id < 1'000; ++id) {
    std::set<std::uint32_t> rooms;
    for (std::uint32_t slot = 0; slot < 20; ++slot) {
      rooms.insert(names.room_of(id, slot));
      EXPECT_EQ(names.room_of(id, slot) / 100, id / 250) << "a district shares no room";
      EXPECT_LT(names.place_of(id, slot), names.places_of(id));
    }
    EXPECT_EQ(rooms.size(), 20u);
  }
}

TEST(roster, gives_each_member_of_a_room_a_place_of_its_own) {
  const roster names("x", {50, 20});
  std::map<std::uint32_t, std::set<std::uint32_t>> places;
  for (std::uint32_t id = 0; id < 250; ++id) {
    for (std::uint32_t slot = 0; slot < 20; ++slot) {
      EXPECT_TRUE(places[names.room_of(id, slot)].insert(names.place_of(id, slot)).second);
    }
  }
}

TEST(roster, has_others_in_rooms_of_other_slots) {
  const roster names("x", {50, 20});
  std::set<std::uint32_t> mates;
  for (std::uint32_t id = 0; id < 250; ++id) {
    for (std::uint32_t slot = 0; slot < 20; ++slot) {
      if (names.room_of(id, slot) == names.room_of(0, slot)) {
        mates.insert(id);
      }
    }
  }
  EXPECT_GT(mates.size(), 200u) << "who shares a room with connection 0";
}

TEST(roster, puts_the_hot_room_first) {
  const roster names("x", {10, 1, 1'000});
  const seating seats(everyone(1'025), 1'025, names);
  EXPECT_EQ(seats.members(0), 1'000u);
  EXPECT_EQ(seats.members(1), 10u);
  EXPECT_EQ(seats.members(3), 5u);
  EXPECT_EQ(names.places_of(999), 1'000u);
  EXPECT_EQ(names.places_of(1'000), 10u);
  EXPECT_EQ(names.place_of(1'001, 0), 1u);
}

TEST(panel, is_one_of_each_so_many_neighbours_at_mixed_places) {
  for (const std::uint32_t every : {1u, 2u, 7u, 8u, 64u}) {
    std::set<std::uint32_t> places;
    for (std::uint32_t block = 0; block < 1'000; ++block) {
      std::uint32_t members = 0;
      for (std::uint32_t place = 0; place < every; ++place) {
        if (in_panel(block * every + place, every)) {
          ++members;
          places.insert(place);
        }
      }
      EXPECT_EQ(members, 1u) << every << ' ' << block;
    }
    EXPECT_EQ(places.size(), every) << "each place of a block has its turn";
  }
}

TEST(panel, has_its_members_early_and_late_in_rooms) {
  const roster names("x", {8});
  double places = 0;
  double members = 0;
  for (std::uint32_t id = 0; id < 8'000; ++id) {
    if (in_panel(id, 8)) {
      places += names.place_of(id, 0);
      ++members;
    }
  }
  EXPECT_NEAR(places / members, 3.5, 0.25);
}

TEST(panel, is_everybody_where_it_would_be_nobody) {
  const roster names("x", {2});
  std::vector<std::uint32_t> outside;
  for (std::uint32_t id = 0; outside.size() < 2; ++id) {
    if (!in_panel(id, 8)) {
      outside.push_back(id);
    }
  }
  const seating seats(outside, outside.back() + 1, names, 8);
  EXPECT_EQ(seats.panel_size(), 2u);
  EXPECT_TRUE(seats.in_panel(outside.front()));
}

}  // namespace
}  // namespace chinwag::load
