#include "connection/sender.hpp"

#include <gtest/gtest.h>

#include <random>

#include "shard_parts.hpp"

namespace chinwag {
namespace {

using test::shard_parts;
using test::take_server_frames;
using test::wire_frame;

std::vector<std::string> payloads(std::string& wire, opcode code = opcode::text) {
  std::vector<std::string> found;
  for (const wire_frame& frame : take_server_frames(wire)) {
    if (frame.code == code) found.push_back(frame.payload);
  }
  return found;
}

TEST(sender, all_that_waits_goes_in_one_system_call) {
  shard_parts parts;
  const connection_id ann = parts.connect("ann");
  parts.places.join(ann, "a");
  parts.places.join(ann, "b");
  for (int i = 0; i < 20; ++i) parts.publish(i % 2 ? "a" : "b", "hi");
  parts.boxes.add(ann, opcode::ping, "");
  EXPECT_EQ(parts.out.deliver(ann), delivery::idle);
  EXPECT_EQ(parts.sends, 1U);
  EXPECT_EQ(take_server_frames(parts.wires[0]).size(), 23U);
  EXPECT_EQ(parts.shared.counts.deliveries.read(), 22U);
}

TEST(sender, nothing_waits_nothing_is_called) {
  shard_parts parts;
  const connection_id ann = parts.connect("ann");
  EXPECT_EQ(parts.out.deliver(ann), delivery::idle);
  EXPECT_EQ(parts.sends, 0U);
}

// Rule 2: the outbox first, then rooms in the order in which they became dirty.
TEST(sender, sources_have_their_order) {
  shard_parts parts;
  const connection_id ann = parts.connect("ann");
  for (const char* room : {"a", "b", "c"}) parts.places.join(ann, room);
  parts.out.deliver(ann);
  parts.wires.clear();
  for (const room_id room : parts.shared.links.dirty_rooms) {
    parts.shared.links.rooms[room].dirty = false;
  }
  for (const char* room : {"b", "c", "a"}) parts.publish(room, room);
  parts.boxes.add(ann, heartbeat_message("1"));
  parts.out.deliver(ann);
  const std::vector<std::string> found = payloads(parts.wires[0]);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_NE(found[0].find("heartbeat"), std::string::npos);
  EXPECT_NE(found[1].find("\"room\":\"b\""), std::string::npos);
  EXPECT_NE(found[2].find("\"room\":\"c\""), std::string::npos);
  EXPECT_NE(found[3].find("\"room\":\"a\""), std::string::npos);
}

// Rule 1, at its hardest: five rooms, pings and direct messages, and a wire that takes one byte at
// a time. Every frame must come out whole, each room in order, nothing lost or twice.
TEST(sender, frames_stay_whole_on_a_wire_of_one_byte_a_send) {
  shard_parts parts;
  parts.unlimited = false;
  const connection_id ann = parts.connect("ann");
  const std::vector<std::string> names = {"a", "b", "c", "d", "e"};
  for (const std::string& room : names) parts.places.join(ann, room);
  std::mt19937 random(7);
  std::map<std::string, int> published;
  std::size_t pings = 0;
  for (int step = 0; step < 20'000; ++step) {
    if (step < 15'000 && random() % 90 == 0) {
      const std::string& room = names[random() % names.size()];
      parts.publish(room, std::to_string(published[room]++) + std::string(random() % 200, 'x'));
    }
    if (step < 15'000 && random() % 500 == 0) {
      parts.boxes.add(ann, opcode::ping, std::to_string(pings++));
    }
    parts.room_on_wire[0] = 1;
    parts.out.deliver(ann);
  }
  parts.unlimited = true;
  ASSERT_EQ(parts.out.deliver(ann), delivery::idle);

  std::map<std::string, int> received;
  std::size_t pongs_due = 0;
  for (const wire_frame& frame : take_server_frames(parts.wires[0])) {
    if (frame.code == opcode::ping) {
      EXPECT_EQ(frame.payload, std::to_string(pongs_due++));
      continue;
    }
    ASSERT_EQ(frame.code, opcode::text);
    if (frame.payload.find("user_joined") != std::string::npos) continue;
    const std::string room = frame.payload.substr(frame.payload.find("\"room\":\"") + 8, 1);
    const std::string content = frame.payload.substr(frame.payload.find("\"content\":\"") + 11);
    EXPECT_EQ(std::stoi(content), received[room]++) << "order in room " << room;
  }
  EXPECT_TRUE(parts.wires[0].empty()) << "an unfinished frame is left";
  EXPECT_EQ(received, published);
  EXPECT_EQ(pongs_due, pings);
  EXPECT_GT(pings, 10U);
}

TEST(sender, leaving_in_the_middle_of_a_frame_finishes_it) {
  shard_parts parts;
  parts.unlimited = false;
  const connection_id ann = parts.connect("ann");
  parts.places.join(ann, "a");
  parts.room_on_wire[0] = 10;
  ASSERT_EQ(parts.out.deliver(ann), delivery::blocked);
  parts.places.leave(parts.member_of(ann, "a"));
  EXPECT_EQ(parts.member_of(ann, "a"), no_id);
  parts.boxes.add(ann, opcode::ping, "");
  parts.unlimited = true;
  ASSERT_EQ(parts.out.deliver(ann), delivery::idle);
  const std::vector<wire_frame> frames = take_server_frames(parts.wires[0]);
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_NE(frames[0].payload.find("user_joined"), std::string::npos);
  EXPECT_EQ(frames[1].code, opcode::ping);
  EXPECT_EQ(parts.shared.truth.members.live(), 0U);
}

TEST(sender, what_was_published_before_leaving_still_arrives_and_nothing_later) {
  shard_parts parts;
  const connection_id ann = parts.connect("ann");
  const connection_id bob = parts.connect("bob");
  parts.places.join(ann, "a");
  parts.places.join(bob, "a");
  parts.publish("a", "before");
  parts.places.leave(parts.member_of(ann, "a"));
  parts.publish("a", "after");
  parts.out.deliver(ann);
  parts.out.deliver(bob);
  const std::vector<std::string> to_ann = payloads(parts.wires[0]);
  ASSERT_EQ(to_ann.size(), 3U);
  EXPECT_NE(to_ann[2].find("before"), std::string::npos);
  EXPECT_EQ(payloads(parts.wires[1]).size(), 4U) << "bob: joined, before, user_left, after";
}

TEST(sender, joining_again_before_the_old_frame_is_out_misses_nothing) {
  shard_parts parts;
  parts.unlimited = false;
  const connection_id ann = parts.connect("ann");
  parts.places.join(ann, "a");
  parts.room_on_wire[0] = 5;
  parts.out.deliver(ann);
  parts.places.leave(parts.member_of(ann, "a"));
  parts.places.join(ann, "a");
  parts.unlimited = true;
  parts.out.deliver(ann);
  EXPECT_EQ(payloads(parts.wires[0]).size(), 2U);
  EXPECT_EQ(parts.shared.truth.members.live(), 1U);
}

// Policy `skip` with a frame half out: the frame is finished, what is missed is told, and the
// room's log is no longer held back by this cursor.
TEST(sender, skipping_acts_at_the_end_of_the_open_frame) {
  shard_parts parts;
  parts.unlimited = false;
  const connection_id ann = parts.connect("ann");
  parts.places.join(ann, "a");
  for (int i = 0; i < 10; ++i) parts.publish("a", "missed");
  parts.room_on_wire[0] = 7;
  parts.out.deliver(ann);
  parts.out.skip_to_tails(ann);
  const room& place = parts.shared.truth.rooms[parts.places.find("a")];
  EXPECT_EQ(parts.shared.truth.members[parts.member_of(ann, "a")].cursor, place.log.tail);
  parts.publish("a", "newest");
  parts.unlimited = true;
  parts.out.deliver(ann);
  const std::vector<std::string> found = payloads(parts.wires[0]);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_NE(found[0].find("user_joined"), std::string::npos);
  EXPECT_NE(found[1].find("\"type\":\"skipped\""), std::string::npos);
  EXPECT_NE(found[2].find("newest"), std::string::npos);
}

TEST(sender, dropping_what_waits_finishes_the_open_frame) {
  shard_parts parts;
  parts.unlimited = false;
  const connection_id ann = parts.connect("ann");
  parts.places.join(ann, "a");
  for (int i = 0; i < 10; ++i) parts.publish("a", "dropped");
  parts.boxes.add(ann, opcode::ping, "dropped too");
  parts.room_on_wire[0] = 15;  // the ping's 13 bytes, then two of the room's first frame
  parts.out.deliver(ann);
  parts.out.drop_pending(ann);
  EXPECT_EQ(parts.out.lag(ann), parts.shared.truth.connections[ann].open_left);
  parts.unlimited = true;
  parts.out.deliver(ann);
  const std::vector<wire_frame> frames = take_server_frames(parts.wires[0]);
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_NE(frames[1].payload.find("user_joined"), std::string::npos);
  EXPECT_TRUE(parts.wires[0].empty());
}

TEST(sender, a_closing_connection_says_all_then_closes) {
  shard_parts parts;
  const connection_id ann = parts.connect("ann");
  parts.places.join(ann, "a");
  parts.publish("a", "last words");
  parts.places.leave_all(ann, rooms::farewell::announced);
  test_access::set(parts.shared.truth.connections[ann].phase, connection_phase::closing);
  test_access::set(parts.shared.truth.connections[ann].close_with, close_code::restart);
  EXPECT_EQ(parts.out.deliver(ann), delivery::finished);
  const std::vector<wire_frame> frames = take_server_frames(parts.wires[0]);
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[2], (wire_frame{opcode::close, "\x03\xF4Server restart"}));
}

TEST(sender, lag_counts_rooms_and_outbox) {
  shard_parts parts;
  const connection_id ann = parts.connect("ann");
  EXPECT_EQ(parts.out.lag(ann), 0U);
  parts.places.join(ann, "a");
  parts.boxes.add(ann, opcode::ping, "");
  EXPECT_EQ(parts.out.lag(ann), 2 + parts.shared.truth.rooms[parts.places.find("a")].log.tail);
}

}  // namespace
}  // namespace chinwag
