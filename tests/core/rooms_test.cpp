#include "state/rooms.hpp"

#include <gtest/gtest.h>

#include "connection/flusher.hpp"
#include "shard_parts.hpp"

namespace chinwag {
namespace {

using test::shard_parts;

TEST(rooms, a_members_first_frame_is_its_own_user_joined) {
  shard_parts parts;
  const connection_id ann = parts.connect("ann");
  const connection_id bob = parts.connect("bob");
  parts.places.join(ann, "a");
  parts.publish("a", "before bob");
  parts.places.join(bob, "a");
  parts.out.deliver(bob);
  const auto frames = test::take_server_frames(parts.wires[1]);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_NE(frames[0].payload.find(R"("user_joined","room":"a","user":"bob")"), std::string::npos);
}

TEST(rooms, membership_belongs_to_the_connection) {
  shard_parts parts;
  const connection_id one = parts.connect("ann");
  const connection_id two = parts.connect("ann");
  parts.places.join(one, "a");
  EXPECT_NE(parts.member_of(one, "a"), no_id);
  EXPECT_EQ(parts.member_of(two, "a"), no_id);
}

TEST(rooms, one_is_behind_with_more_than_the_limit_waiting_until_a_pass_is_over) {
  options limits = test::unhurried();
  limits.room_backlog_bytes_max = 2'000;
  shard_parts parts(limits);
  flusher end_of_turn(parts.shared, parts.boxes, parts.out, parts.places,
                      [](connection_id, delivery) {});
  parts.places.join(parts.connect("ann"), "a");
  end_of_turn.flush_rooms();
  const room_id place = parts.places.find("a");
  EXPECT_FALSE(parts.places.is_behind(place));
  parts.publish("a", std::string(1'000, 'x'));
  EXPECT_FALSE(parts.places.is_behind(place));
  parts.publish("a", std::string(1'000, 'x'));
  EXPECT_TRUE(parts.places.is_behind(place));
  end_of_turn.flush_rooms();
  EXPECT_FALSE(parts.places.is_behind(place));
}

// A room whose members can be late.
struct held_room {
  explicit held_room(std::uint32_t hold_back_ms) : parts(limits(hold_back_ms)) {}

  static options limits(std::uint32_t hold_back_ms) {
    options limits = test::unhurried();
    limits.pending_bytes_max = 8'000;
    limits.hold_back_ms = hold_back_ms;
    return limits;
  }

  connection_id join(const std::string& user) {
    const connection_id id = parts.connect(user);
    parts.places.join(id, "a");
    return id;
  }

  void publish(std::size_t bytes) { parts.publish("a", std::string(bytes, 'x')); }
  void hold_back_for(connection_id id) {
    parts.shared.truth.connections[id].blocked = true;
    parts.places.hold_back(parts.member_of(id, "a"));
  }
  bool is_behind() { return parts.places.is_behind(parts.places.find("a")); }

  shard_parts parts;
};

TEST(holding_back, ends_when_the_slow_member_has_caught_up) {
  held_room room(500);
  const connection_id ann = room.join("ann");
  room.publish(5'000);
  room.hold_back_for(ann);
  EXPECT_TRUE(room.is_behind());
  room.parts.out.deliver(ann);
  EXPECT_FALSE(room.is_behind());
}

TEST(holding_back, that_ended_in_time_may_come_again) {
  held_room room(500);
  const connection_id ann = room.join("ann");
  for (int round = 0; round < 3; ++round) {
    room.publish(5'000);
    room.hold_back_for(ann);
    EXPECT_TRUE(room.is_behind());
    room.parts.out.deliver(ann);
    EXPECT_FALSE(room.is_behind());
  }
}

// Otherwise a member that catches up just in time holds the publishers back again at once, for
// ever.
TEST(holding_back, that_took_its_time_is_followed_by_a_rest) {
  held_room room(1);  // a hold is over at once, and in the rest there is none
  const connection_id ann = room.join("ann");
  room.publish(5'000);
  room.hold_back_for(ann);
  EXPECT_TRUE(room.is_behind());
  room.parts.out.deliver(ann);
  EXPECT_FALSE(room.is_behind());
  room.publish(5'000);
  room.hold_back_for(ann);
  EXPECT_FALSE(room.is_behind());
}

TEST(holding_back, for_one_member_after_the_other_lets_the_room_go_on_in_between) {
  held_room room(500);
  const connection_id ann = room.join("ann");
  const connection_id bob = room.join("bob");
  room.publish(5'000);
  room.hold_back_for(ann);
  room.parts.out.deliver(ann);
  EXPECT_FALSE(room.is_behind());
  room.hold_back_for(bob);
  EXPECT_FALSE(room.is_behind());
  room.publish(2'000);
  room.hold_back_for(bob);
  EXPECT_TRUE(room.is_behind());
}

TEST(rooms, an_empty_room_is_forgotten_with_its_log) {
  shard_parts parts;
  const connection_id ann = parts.connect("ann");
  parts.places.join(ann, "a room with a long name, kept apart");
  parts.out.deliver(ann);
  parts.places.leave_all(ann, rooms::farewell::announced);
  flusher end_of_turn(parts.shared, parts.boxes, parts.out, parts.places,
                      [](connection_id, delivery) {});
  EXPECT_TRUE(end_of_turn.flush_rooms());
  EXPECT_EQ(parts.places.find("a room with a long name, kept apart"), no_id);
  EXPECT_EQ(parts.shared.truth.rooms.live(), 0U);
  EXPECT_EQ(parts.shared.truth.chunks.in_use(), 0U);
}

TEST(rooms, a_room_outlives_members_that_come_and_go) {
  shard_parts parts;
  flusher end_of_turn(parts.shared, parts.boxes, parts.out, parts.places,
                      [](connection_id, delivery) {});
  std::vector<connection_id> everyone;
  for (int i = 0; i < 20; ++i) everyone.push_back(parts.connect("user" + std::to_string(i)));
  for (const connection_id id : everyone) parts.places.join(id, "a");
  for (int round = 0; round < 200; ++round) {
    const connection_id id = everyone[static_cast<std::size_t>(round * 7 % 20)];
    const member_id membership = parts.member_of(id, "a");
    if (membership == no_id) {
      parts.places.join(id, "a");
    } else {
      parts.places.leave(membership);
    }
    if (round % 3 == 0) end_of_turn.flush_rooms();
  }
  end_of_turn.flush_rooms();
  std::uint32_t listed = 0;
  const room_links& links = parts.shared.links.rooms[parts.places.find("a")];
  for (member_id at = links.first_member; at != no_id;
       at = parts.shared.links.members[at].next_in_room) {
    ++listed;
  }
  EXPECT_EQ(listed, links.members);
  EXPECT_EQ(listed, parts.shared.truth.members.live());
}

}  // namespace
}  // namespace chinwag
