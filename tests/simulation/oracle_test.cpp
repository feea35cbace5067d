// The oracle judges histories that were written by hand: no server is linked. A wrong one differs
// from a right one by what its name says.
#include <gtest/gtest.h>

#include <string>

#include "history.hpp"

namespace simulation {
namespace {

using oracle_accepts = history;
using oracle_refuses = history;

TEST_F(oracle_accepts, a_room_of_two_who_join_speak_and_leave) {
  ann_and_bob_meet();
  publishes(ann, "one");
  publishes(bob, "two");
  for (const connection_number who : {ann, bob}) {
    hears(who, message("bob", "two") + message("ann", "one"));
  }
  leaves(bob);
  beats(bob);
  hears(ann, left("bob"));
  hears(bob, heartbeat);
  EXPECT_EQ(verdict(), "");
  publishes(ann, "three");
  hears(ann, message("ann", "three"));
  EXPECT_EQ(verdict(), "");
}

TEST_F(oracle_accepts, who_disconnects_to_leave_once_for_those_left) {
  ann_and_bob_meet();
  vanishes(bob);
  hears(ann, left("bob"));
  EXPECT_EQ(verdict(), "");
}

TEST_F(oracle_accepts, what_was_due_to_one_who_finished_and_then_the_end) {
  ann_and_bob_meet();
  publishes(bob, "one");
  beats(bob);
  finishes(bob);
  hears(bob, heartbeat + message("bob", "one"));
  sees_the_end(bob);
  hears(ann, message("bob", "one") + left("bob"));
  EXPECT_EQ(verdict(), "");
}

TEST_F(oracle_accepts, what_waits_for_a_leaver_to_come_or_not) {
  ann_and_bob_meet();
  publishes(ann, "one");
  publishes(ann, "two");
  leaves(bob);
  hears(ann, message("ann", "one") + message("ann", "two") + left("bob"));
  hears(bob, message("ann", "one"));
  EXPECT_EQ(verdict(), "");
}

TEST_F(oracle_accepts, a_repeated_join_to_be_answered_to_the_asker_alone) {
  ann_and_bob_meet();
  joins(bob);
  hears(bob, joined("bob"));
  EXPECT_EQ(verdict(), "");
}

TEST_F(oracle_accepts, a_direct_message_to_two_connections_of_a_user) {
  comes(ann, "ann");
  comes(bob, "bob");
  comes(3, "bob");
  sends(ann, "bob", "hello");
  hears(bob, direct("ann", "hello"));
  hears(3, direct("ann", "hello"));
  EXPECT_EQ(verdict(), "");
}

TEST_F(oracle_accepts, errors_pongs_and_closes_that_are_due) {
  comes(ann, "ann");
  publishes(ann, "nobody is there");
  sends(ann, "nobody", "hello");
  says(ann, "payload", 0x89);
  hears(ann, error("not_joined") + frame(0x8A, "payload") + error("no_such_user"));
  says(ann, "binary", 0x82);
  hears(ann, closed(1003));
  judge_.server_ended(ann, false);
  EXPECT_EQ(verdict(), "");
}

TEST_F(oracle_accepts, a_head_answer_without_a_body) {
  judge_.connected(ann);
  asks(ann, "HEAD /health HTTP/1.1\r\nHost: x\r\n\r\nGET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
  hears(ann,
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
        "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno");
  EXPECT_EQ(verdict(), "");
}

TEST_F(oracle_refuses, a_message_that_comes_twice) {
  ann_and_bob_meet();
  publishes(ann, "one");
  hears(ann, message("ann", "one"));
  hears(bob, message("ann", "one") + message("ann", "one"));
  EXPECT_EQ(verdict(), "R11: exactly once");
}

TEST_F(oracle_refuses, its_own_message_twice) {
  ann_and_bob_meet();
  publishes(ann, "one");
  hears(ann, message("ann", "one") + message("ann", "one"));
  EXPECT_EQ(verdict(), "R6, R10, R11: its own messages, once, in order");
}

TEST_F(oracle_refuses, two_messages_that_two_members_see_in_another_order) {
  ann_and_bob_meet();
  publishes(ann, "one");
  publishes(bob, "two");
  hears(ann, message("ann", "one") + message("bob", "two"));
  hears(bob, message("bob", "two") + message("ann", "one"));
  EXPECT_EQ(verdict(), "R10, R11: all members see the same of a room");
}

TEST_F(oracle_refuses, messages_of_one_sender_out_of_order) {
  ann_and_bob_meet();
  publishes(ann, "one");
  publishes(ann, "two");
  hears(ann, message("ann", "two"));
  EXPECT_EQ(verdict(), "R10: order");
}

TEST_F(oracle_refuses, a_message_that_one_member_misses) {
  ann_and_bob_meet();
  publishes(ann, "one");
  hears(ann, message("ann", "one"));
  EXPECT_EQ(verdict(), "R10, R11: all members see the same of a room");
}

TEST_F(oracle_refuses, a_message_that_its_sender_misses) {
  ann_and_bob_meet();
  publishes(ann, "one");
  hears(bob, message("ann", "one"));
  EXPECT_EQ(verdict(), "R11: its own message");
}

TEST_F(oracle_refuses, a_message_that_nobody_sent) {
  ann_and_bob_meet();
  hears(bob, message("ann", "one"));
  EXPECT_EQ(verdict(), "R8, R11: only what was published, once");
}

TEST_F(oracle_refuses, a_message_of_a_room_that_was_never_joined) {
  ann_and_bob_meet();
  comes(3, "eve");
  publishes(ann, "one");
  hears(3, message("ann", "one"));
  EXPECT_EQ(verdict(), "R8: nothing of a room that it never joined");
}

TEST_F(oracle_refuses, something_of_a_room_before_its_own_user_joined) {
  ann_and_bob_meet();
  publishes(ann, "one");
  comes(3, "eve");
  joins(3);
  hears(3, message("ann", "one"));
  EXPECT_EQ(verdict(), "R2, R6: its own user_joined is the first of a room");
}

TEST_F(oracle_refuses, a_join_that_is_never_announced) {
  comes(ann, "ann");
  joins(ann);
  EXPECT_EQ(verdict(), "liveness: user_joined to the joiner");
}

TEST_F(oracle_refuses, user_left_for_somebody_who_stays) {
  ann_and_bob_meet();
  hears(ann, left("bob"));
  EXPECT_EQ(verdict(), "R1, R7: user_left for who went, one user_joined for who came");
}

TEST_F(oracle_refuses, no_user_left_for_somebody_who_went) {
  ann_and_bob_meet();
  vanishes(bob);
  EXPECT_EQ(verdict(), "R7: one user_left for each who went");
}

TEST_F(oracle_refuses, the_end_of_one_who_finished_before_its_answer) {
  ann_and_bob_meet();
  beats(bob);
  finishes(bob);
  sees_the_end(bob);
  hears(ann, left("bob"));
  EXPECT_EQ(verdict(), "liveness: every request is answered");
}

TEST_F(oracle_refuses, the_end_of_one_who_finished_before_its_own_message) {
  ann_and_bob_meet();
  publishes(bob, "one");
  finishes(bob);
  sees_the_end(bob);
  hears(ann, message("bob", "one") + left("bob"));
  EXPECT_EQ(verdict(), "R11: its own message");
}

TEST_F(oracle_refuses, user_left_to_the_leaver) {
  ann_and_bob_meet();
  leaves(bob);
  hears(bob, left("bob"));
  EXPECT_EQ(verdict(), "R6: nothing to the leaver");
}

TEST_F(oracle_refuses, a_heartbeat_that_overtakes_what_waits_for_a_leaver) {
  ann_and_bob_meet();
  publishes(ann, "one");
  leaves(bob);
  beats(bob);
  hears(bob, heartbeat + message("ann", "one"));
  EXPECT_EQ(verdict(), "R2, R6: its own user_joined is the first of a room");
}

TEST_F(oracle_refuses, a_heartbeat_that_overtakes_an_error) {
  comes(ann, "ann");
  leaves(ann);
  beats(ann);
  hears(ann, heartbeat + error("not_joined"));
  EXPECT_EQ(verdict(), "answers, in the order of what was asked");
}

TEST_F(oracle_refuses, a_request_that_is_never_answered) {
  comes(ann, "ann");
  beats(ann);
  EXPECT_EQ(verdict(), "liveness: every request is answered");
}

TEST_F(oracle_refuses, a_wrong_close_code) {
  comes(ann, "ann");
  says(ann, "binary", 0x82);
  hears(ann, closed(1002));
  EXPECT_EQ(verdict(), "closed without a reason");
}

TEST_F(oracle_refuses, a_close_that_nobody_asked_for) {
  comes(ann, "ann");
  hears(ann, closed(1012));
  EXPECT_EQ(verdict(), "closed without a reason");
}

TEST_F(oracle_refuses, a_connection_that_just_ends) {
  comes(ann, "ann");
  judge_.server_ended(ann, false);
  EXPECT_EQ(verdict(), "closed without a reason");
}

TEST_F(oracle_refuses, a_pong_with_another_payload) {
  comes(ann, "ann");
  says(ann, "one", 0x89);
  hears(ann, frame(0x8A, "two"));
  EXPECT_EQ(verdict(), "F1: pong");
}

TEST_F(oracle_refuses, a_frame_behind_a_close) {
  comes(ann, "ann");
  says(ann, "", 0x88);
  hears(ann, closed(1000) + frame(0x89, ""));
  EXPECT_EQ(verdict(), "RFC 6455: a frame behind a close");
}

TEST_F(oracle_refuses, bytes_behind_a_close) {
  comes(ann, "ann");
  says(ann, "", 0x88);
  hears(ann, closed(1000) + "\x81");
  judge_.server_ended(ann, false);
  EXPECT_EQ(verdict(), "RFC 6455: framing");
}

TEST_F(oracle_refuses, a_second_welcome) {
  comes(ann, "ann");
  hears(ann, welcome("ann"));
  EXPECT_EQ(verdict(), "H1: one welcome");
}

TEST_F(oracle_refuses, an_answer_before_the_welcome) {
  asks_upgrade(ann, "ann");
  beats(ann);
  hears(ann, switching() + heartbeat + welcome("ann"));
  EXPECT_EQ(verdict(), "H1: welcome first");
}

TEST_F(oracle_refuses, another_name_than_was_asked_for) {
  asks_upgrade(ann, "ann");
  hears(ann, switching() + welcome("bob"));
  EXPECT_EQ(verdict(), "H4: user");
}

TEST_F(oracle_refuses, a_wrong_accept_key) {
  asks_upgrade(ann, "ann");
  hears(ann, switching("c3RpbGwgbm90IHRoZSByaWdodCBvbmU=") + welcome("ann"));
  EXPECT_EQ(verdict(), "H1: Sec-WebSocket-Accept");
}

TEST_F(oracle_refuses, a_masked_frame) {
  comes(ann, "ann");
  beats(ann);
  hears(ann, client_frame(0x81, R"({"type":"heartbeat","timestamp":1})", {1, 2, 3, 4}));
  EXPECT_EQ(verdict(), "RFC 6455: framing");
}

TEST_F(oracle_refuses, a_frame_that_never_ends) {
  comes(ann, "ann");
  beats(ann);
  hears(ann, heartbeat + heartbeat.substr(0, 9));
  EXPECT_EQ(verdict(), "framing: nothing is unfinished at rest");
}

TEST_F(oracle_refuses, a_body_of_a_head_answer) {
  judge_.connected(ann);
  asks(ann, "HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n");
  hears(ann, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_EQ(verdict(), "framing: nothing is unfinished at rest");
}

TEST_F(oracle_refuses, an_answer_to_no_request) {
  judge_.connected(ann);
  hears(ann, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(verdict(), "HTTP: one answer for each request");
}

TEST_F(oracle_refuses, skipped_where_slow_members_are_closed) {
  ann_and_bob_meet();
  hears(bob, skipped());
  EXPECT_EQ(verdict(), "skipped without a reason");
}

TEST_F(oracle_refuses, a_direct_message_that_comes_twice) {
  comes(ann, "ann");
  comes(bob, "bob");
  sends(ann, "bob", "hello");
  hears(bob, direct("ann", "hello") + direct("ann", "hello"));
  EXPECT_EQ(verdict(), "D1: each gets it once");
}

TEST_F(oracle_refuses, direct_messages_out_of_order) {
  comes(ann, "ann");
  comes(bob, "bob");
  sends(ann, "bob", "one");
  sends(ann, "bob", "two");
  hears(bob, direct("ann", "two") + direct("ann", "one"));
  EXPECT_EQ(verdict(), "D4: order");
}

TEST_F(oracle_refuses, a_timestamp_of_another_time) {
  judge_.unix_range(2, 3);
  comes(ann, "ann");
  beats(ann);
  hears(ann, heartbeat);
  EXPECT_EQ(verdict(), "chat/1: timestamp");
}

TEST_F(oracle_refuses, user_left_for_who_is_drained) {
  ann_and_bob_meet();
  judge_.draining();
  hears(ann, left("bob") + closed(1012));
  hears(bob, closed(1012));
  judge_.drained();
  EXPECT_EQ(log_.rule(), "L5: none of those who are drained leaves");
}

TEST_F(oracle_refuses, a_drain_that_forgets_somebody) {
  ann_and_bob_meet();
  judge_.draining();
  hears(ann, closed(1012));
  judge_.drained();
  EXPECT_EQ(log_.rule(), "L5: close 1012 to everyone");
}

class server_that_skips : public history {
 protected:
  server_that_skips() : history({.skips = true}) {}
};

TEST_F(server_that_skips, may_not_skip_for_who_reads) {
  ann_and_bob_meet();
  hears(bob, skipped());
  EXPECT_EQ(verdict(), "skipped without a reason");
}

TEST_F(server_that_skips, may_for_who_does_not_read) {
  ann_and_bob_meet();
  judge_.after_turn({{.number = bob, .blocked = true, .stalled_us = 60'000'000}}, now_us, false);
  publishes(ann, "one");
  hears(ann, message("ann", "one"));
  hears(bob, skipped());
  EXPECT_EQ(verdict(), "");
}

class server_that_delivers_before_a_leave : public history {
 protected:
  server_that_delivers_before_a_leave() : history({.leaves_deliver = true}) {}
};

TEST_F(server_that_delivers_before_a_leave, may_not_drop_what_waits_for_the_leaver) {
  ann_and_bob_meet();
  publishes(bob, "one");
  leaves(bob);
  beats(bob);
  hears(ann, message("bob", "one") + left("bob"));
  hears(bob, heartbeat);
  EXPECT_EQ(verdict(), "R6: what was published before a leave comes");
}

}  // namespace
}  // namespace simulation
