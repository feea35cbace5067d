#include "connection/flusher.hpp"

#include <gtest/gtest.h>

#include "shard_parts.hpp"

namespace chinwag {
namespace {

using test::shard_parts;

options small_slices() {
  options limits = test::unhurried();
  limits.sends_per_room_turn = 10;
  return limits;
}

struct flusher_fixture {
  explicit flusher_fixture(const options& limits = small_slices())
      : parts(limits),
        end_of_turn(parts.shared, parts.boxes, parts.out, parts.places,
                    [this](connection_id id, delivery what) { outcomes.emplace_back(id, what); }) {}

  void fill(const std::string& room, int members) {
    for (int i = 0; i < members; ++i) {
      parts.places.join(parts.connect(room + std::to_string(i)), room);
    }
  }
  // Until every room is done.
  void settle() {
    while (!end_of_turn.flush_rooms()) {
    }
    parts.sends = 0;
    outcomes.clear();
  }

  shard_parts parts;
  std::vector<std::pair<connection_id, delivery>> outcomes;
  flusher end_of_turn;
};

TEST(flusher, one_send_a_member_however_many_messages) {
  flusher_fixture turn(test::unhurried());
  turn.fill("a", 50);
  turn.settle();
  for (int i = 0; i < 30; ++i) turn.parts.publish("a", "hi");
  EXPECT_TRUE(turn.end_of_turn.flush_rooms());
  EXPECT_EQ(turn.parts.sends, 50U);
}

TEST(flusher, a_large_room_is_served_in_slices_and_resumes_where_it_was) {
  flusher_fixture turn;
  turn.fill("large", 35);
  turn.settle();
  turn.parts.publish("large", "hi");
  for (const std::size_t served : {10U, 20U, 30U}) {
    EXPECT_FALSE(turn.end_of_turn.flush_rooms());
    EXPECT_EQ(turn.parts.sends, served);
  }
  EXPECT_TRUE(turn.end_of_turn.flush_rooms());
  EXPECT_EQ(turn.parts.sends, 35U);
}

TEST(flusher, a_quiet_room_waits_for_one_slice_of_a_large_one) {
  flusher_fixture turn;
  turn.fill("large", 35);
  turn.fill("quiet", 2);
  turn.settle();
  turn.parts.publish("large", "hi");
  EXPECT_FALSE(turn.end_of_turn.flush_rooms());
  turn.parts.publish("quiet", "hi");
  turn.end_of_turn.flush_rooms();
  EXPECT_EQ(turn.parts.sends, 22U) << "a slice, a slice, then the quiet room";
}

TEST(flusher, members_that_go_during_a_pass_neither_stop_nor_repeat_it) {
  flusher_fixture turn;
  turn.fill("large", 35);
  turn.settle();
  turn.parts.wires.clear();
  turn.parts.publish("large", "hello");
  turn.end_of_turn.flush_rooms();
  turn.parts.places.leave_all(3, rooms::farewell::announced);   // was served
  turn.parts.places.leave_all(10, rooms::farewell::announced);  // is next
  turn.parts.places.leave_all(34, rooms::farewell::announced);  // is last
  turn.settle();
  for (int wire = 0; wire < 35; ++wire) {
    std::size_t hellos = 0;
    for (const auto& frame : test::take_server_frames(turn.parts.wires[wire])) {
      hellos += frame.payload.find("hello") != std::string::npos;
    }
    const bool left_unserved = wire == 10 || wire == 34;
    if (left_unserved) continue;
    EXPECT_EQ(hellos, 1U) << wire;
  }
}

TEST(flusher, who_joins_during_a_pass_is_reached) {
  flusher_fixture turn;
  turn.fill("large", 15);
  turn.settle();
  turn.parts.publish("large", "hi");
  turn.end_of_turn.flush_rooms();
  const connection_id late = turn.parts.connect("late");
  turn.parts.places.join(late, "large");
  turn.settle();
  EXPECT_EQ(test::take_server_frames(turn.parts.wires[static_cast<int>(late)]).size(), 1U);
}

TEST(flusher, the_log_is_given_back_when_the_last_cursor_passes) {
  flusher_fixture turn;
  turn.parts.unlimited = false;
  turn.fill("a", 2);
  turn.parts.room_on_wire[0] = SIZE_MAX;
  turn.end_of_turn.flush_rooms();
  EXPECT_EQ(turn.parts.shared.truth.chunks.in_use(), 1U) << "held by the blocked member";
  turn.parts.room_on_wire[1] = SIZE_MAX;
  turn.parts.out.deliver(1);
  turn.end_of_turn.flush_rooms();
  EXPECT_EQ(turn.parts.shared.truth.chunks.in_use(), 0U);
}

// Otherwise the room's log would be kept from there on for as long as the client takes, however
// much others publish meanwhile.
TEST(flusher, who_leaves_in_the_middle_of_a_frame_gets_the_rest_and_keeps_nothing_of_the_log) {
  flusher_fixture turn(test::unhurried());
  turn.fill("a", 2);
  turn.fill("b", 1);
  turn.settle();
  turn.parts.wires.clear();
  turn.parts.unlimited = false;
  turn.parts.publish("a", std::string(500, 'o'));
  turn.parts.room_on_wire[0] = 100;
  turn.parts.room_on_wire[1] = SIZE_MAX;
  turn.end_of_turn.flush_rooms();
  ASSERT_EQ(turn.parts.wires[0].size(), 100U);
  turn.parts.places.leave(turn.parts.member_of(0, "a"));
  turn.parts.room_on_wire[1] = SIZE_MAX;
  turn.end_of_turn.flush_rooms();
  EXPECT_EQ(turn.parts.shared.truth.chunks.in_use(), 0U);
  turn.parts.publish("b", std::string(1'000, 'w'));
  turn.parts.room_on_wire[0] = SIZE_MAX;
  turn.parts.out.deliver(0);
  const auto frames = test::take_server_frames(turn.parts.wires[0]);
  ASSERT_GE(frames.size(), 1U);
  EXPECT_NE(frames[0].payload.find("\"" + std::string(500, 'o') + "\""), std::string::npos)
      << frames[0].payload;
}

TEST(flusher, a_blocked_connection_is_judged_and_not_written_to) {
  flusher_fixture turn;
  turn.fill("a", 1);
  turn.settle();
  turn.parts.shared.truth.connections[0].blocked = true;
  turn.parts.publish("a", "hi");
  turn.end_of_turn.flush_rooms();
  EXPECT_EQ(turn.parts.sends, 0U);
  EXPECT_EQ(turn.outcomes,
            (std::vector<std::pair<connection_id, delivery>>{{0U, delivery::blocked}}));
}

TEST(flusher, the_clock_ends_a_turn_early) {
  flusher_fixture turn;
  turn.fill("a", 100);
  turn.end_of_turn.begin(0);
  EXPECT_FALSE(turn.end_of_turn.flush_rooms());
  EXPECT_GT(turn.parts.sends, 0U) << "each turn gets something done";
  EXPECT_LT(turn.parts.sends, 100U);
}

TEST(flusher, outboxes_are_served_once_for_all_that_waits) {
  flusher_fixture turn;
  const connection_id ann = turn.parts.connect("ann");
  turn.parts.boxes.add(ann, opcode::ping, "1");
  turn.parts.boxes.add(ann, opcode::ping, "2");
  turn.end_of_turn.flush_outboxes();
  turn.end_of_turn.flush_outboxes();
  EXPECT_EQ(turn.parts.sends, 1U);
}

}  // namespace
}  // namespace chinwag
