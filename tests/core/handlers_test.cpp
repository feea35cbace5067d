// A program's handlers and calls, over real sockets.

#include "chinwag/handlers.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "chat_client.hpp"
#include "deciding_program.hpp"

namespace chinwag {
namespace {

using test::chat_client;
using test::has;
using test::running_server;

std::string message(const std::string& content) {
  return R"({"type":"message","room":"a","content":")" + content + "\"}";
}

constexpr const char* join_a = R"({"type":"join","room":"a"})";
constexpr const char* leave_a = R"({"type":"leave","room":"a"})";
constexpr const char* heartbeat = R"({"type":"heartbeat"})";

chat_client connect(const running_server& server, const std::string& user) {
  chat_client client(server.port, "/ws?user=" + user);
  EXPECT_TRUE(has(client.text(), "welcome"));
  return client;
}

chat_client join(const running_server& server, const std::string& user) {
  chat_client client = connect(server, user);
  client.send(join_a);
  EXPECT_TRUE(has(client.text(), "user_joined"));
  return client;
}

using program = test::deciding_program;

TEST(handlers, hear_of_every_connection_and_of_its_end_once) {
  std::mutex guard;
  std::vector<std::string> heard;
  const auto note = [&](const std::string& what) {
    const std::lock_guard locked(guard);
    heard.push_back(what);
  };
  const auto count = [&] {
    const std::lock_guard locked(guard);
    return heard.size();
  };
  running_server server(
      {},
      {.open = [&](connection_handle, std::string_view user) { note("+" + std::string(user)); },
       .close = [&](connection_handle, std::string_view user,
                    std::uint16_t code) { note("-" + std::string(user) + std::to_string(code)); }});
  {
    chat_client ann = join(server, "ann");
    ann.send_raw(test::client_frame(opcode::close, std::string("\x03\xe8", 2)));
    EXPECT_EQ(ann.close_code(), 1000);
  }
  { const chat_client bob = connect(server, "bob"); }
  EXPECT_TRUE(server.eventually([&](const stats&) { return count() == 4; }));
  const std::lock_guard locked(guard);
  EXPECT_EQ(heard, (std::vector<std::string>{"+ann", "-ann1000", "+bob", "-bob1006"}));
}

TEST(handlers, see_plain_text_and_change_refuse_or_answer_it) {
  std::string seen;
  running_server server({}, {.message = [&](const message_request& asked) -> verdict {
                          seen = asked.content;
                          if (seen == "bad") return {verdict::kind::refuse, "not \"here\""};
                          if (seen == "ask") return {verdict::kind::answer, "42\n"};
                          if (seen == "loud") return {verdict::kind::change, "quiet\\"};
                          return {};
                        }});
  chat_client ann = join(server, "ann");
  ann.send(message(R"(h\u00e9\n)"));
  EXPECT_TRUE(has(ann.text(), R"("content":"h\u00e9\n")"));
  EXPECT_EQ(seen, "h\xc3\xa9\n");
  ann.send(message("bad"));
  EXPECT_EQ(ann.text(), R"({"type":"error","code":"forbidden","message":"not \"here\""})");
  ann.send(message("ask"));
  EXPECT_TRUE(has(ann.text(), R"({"type":"direct","user":"server","content":"42\n")"));
  ann.send(message("loud"));
  EXPECT_TRUE(has(ann.text(), R"("content":"quiet\\")"));
}

TEST(handlers, that_answer_what_is_not_utf8_cost_a_refusal_only) {
  running_server server({}, {.message = [](const message_request&) -> verdict {
                          return {verdict::kind::change, "\xff"};
                        }});
  chat_client ann = join(server, "ann");
  ann.send(message("x"));
  EXPECT_TRUE(has(ann.text(), "unavailable"));
}

TEST(handlers, refuse_a_join_and_the_room_never_hears_of_it) {
  running_server server({}, {.join = [](const join_request& asked) -> verdict {
                          if (asked.user == "eve") return {verdict::kind::refuse, "no"};
                          return {};
                        }});
  chat_client ann = join(server, "ann");
  chat_client eve = connect(server, "eve");
  eve.send(join_a);
  EXPECT_TRUE(has(eve.text(), "forbidden"));
  eve.send(message("x"));
  EXPECT_TRUE(has(eve.text(), "not_joined"));
  ann.send(message("alone"));
  EXPECT_TRUE(has(ann.text(), "alone"));
}

TEST(handlers, may_call_the_server_and_close_the_connection_they_are_asked_about) {
  server* engine = nullptr;
  running_server server({}, {.message = [&](const message_request& asked) -> verdict {
                          EXPECT_TRUE(engine->publish("a", "seen"));
                          std::vector<room_info> rooms;
                          EXPECT_TRUE(engine->list_rooms(rooms));
                          EXPECT_EQ(rooms.size(), 1U);
                          EXPECT_TRUE(engine->close(asked.ticket.from, 3001));
                          return {};
                        }});
  engine = &server.engine;
  chat_client ann = join(server, "ann");
  ann.send(message("x"));
  EXPECT_TRUE(has(ann.text(), R"("content":"x")"));
  EXPECT_TRUE(has(ann.text(), R"("user":"server","content":"seen")"));
  EXPECT_EQ(ann.close_code(), 3001);
}

TEST(handlers, may_turn_a_user_away_and_speak_first) {
  server* engine = nullptr;
  running_server server({}, {.open = [&](connection_handle who, std::string_view user) {
                          EXPECT_TRUE(engine->send(who, "hello"));
                          if (user == "mallory") {
                            EXPECT_TRUE(engine->close(who, 1008));
                          }
                        }});
  engine = &server.engine;
  chat_client ann = connect(server, "ann");
  EXPECT_TRUE(has(ann.text(), "hello"));
  chat_client impostor = connect(server, "mallory");
  EXPECT_TRUE(has(impostor.text(), "hello"));
  EXPECT_EQ(impostor.close_code(), 1008);
}

TEST(calls, before_a_drain_are_served_before_its_closes) {
  for (int i = 0; i < 20; ++i) {
    running_server server;
    chat_client ann = join(server, "ann");
    EXPECT_TRUE(server.engine.publish("a", "goodbye"));
    server.engine.drain(std::chrono::seconds(2));
    EXPECT_TRUE(has(ann.text(), "goodbye"));
    EXPECT_EQ(ann.close_code(), 1012);
  }
}

// The serving thread is held in a handler until a message and a publication wait for it. The next
// handler drains: its wake-up and the publication's are one.
TEST(calls, of_a_drain_are_heard_while_another_wakes_the_server) {
  server* engine = nullptr;
  std::atomic<bool> held = false;
  std::atomic<bool> released = false;
  running_server server({}, {.message = [&](const message_request& asked) -> verdict {
                          if (asked.content == "hold") {
                            held = true;
                            while (!released) test::pause();
                          } else {
                            engine->drain(std::chrono::seconds(2));
                          }
                          return {};
                        }});
  engine = &server.engine;
  chat_client ann = join(server, "ann");
  chat_client bob = join(server, "bob");
  ann.send(message("hold"));
  while (!held) test::pause();
  bob.send(message("drain"));
  EXPECT_TRUE(server.engine.publish("a", "goodbye"));
  released = true;
  EXPECT_EQ(ann.close_code(), 1012);
}

TEST(events, that_nobody_takes_are_bounded_however_often_clients_come_and_go) {
  event_queue events([] {}, 100'000);
  running_server server({}, events.make_handlers({.message = true}));
  std::size_t kept = 0;
  for (int i = 0; i < 20; ++i) {
    chat_client bob = connect(server, "bob" + std::to_string(i));
    bob.send(R"({"type":"join","room":"b"})");
    EXPECT_TRUE(has(bob.text(), "user_joined"));
    bob.send(R"({"type":"message","room":"b","content":")" + std::string(20'000, 'x') + "\"}");
    server.eventually([&](const stats& now) { return now.messages_in[2] > unsigned(i); });
  }
  for (const event& one : events.take()) kept += one.content.size();
  EXPECT_LE(kept, 100'000U);
  EXPECT_GE(server.engine.read_stats().errors[6], 10U);
}

// Who floods with connections instead of messages.
TEST(events, of_opens_and_closes_that_nobody_takes_are_bounded_and_stay_pairs) {
  event_queue events([] {}, 5'000);
  handlers called = events.make_handlers({.open = true, .message = true, .close = true});
  const std::string room(60, 'r');
  for (std::uint64_t i = 1; i <= 1'000; ++i) {
    called.open(connection_handle{i}, std::string(60, 'u'));
    called.turn_end();
  }
  const connection_handle late{1'000};
  EXPECT_EQ(called.message({{late, 1}, "u", room, "x"}).what, verdict::kind::refuse);
  for (std::uint64_t i = 1; i < 1'000; ++i) called.close(connection_handle{i}, "u", 1000);
  called.turn_end();
  std::set<std::uint64_t> open;
  std::size_t opens = 0;
  for (const event& one : events.take()) {
    const auto who = static_cast<std::uint64_t>(one.ticket.from);
    if (one.kind == event_kind::open) {
      ++opens;
      EXPECT_TRUE(open.insert(who).second);
    } else {
      EXPECT_EQ(open.erase(who), 1U) << "closed without an open";
    }
  }
  EXPECT_GT(opens, 10U);
  EXPECT_LT(opens, 60U) << "the user's name counts";
  EXPECT_TRUE(open.empty()) << "opened without a close";
  EXPECT_EQ(called.message({{late, 2}, "u", room, "x"}).what, verdict::kind::later);
  called.close(late, "u", 1000);
  called.turn_end();
  const std::vector<event> rest = events.take();
  ASSERT_EQ(rest.size(), 3U);
  EXPECT_EQ(rest[0].kind, event_kind::open) << "told before its first request";
  EXPECT_EQ(rest[1].kind, event_kind::message);
  EXPECT_EQ(rest[2].kind, event_kind::close);
}

TEST(events, of_several_connections_are_decided_in_any_order) {
  program host({.message = true});
  chat_client ann = join(host.server, "ann");
  ann.send(message("first"));
  const event first = host.next();
  ann.send(message("second"));
  const event second = host.next();
  EXPECT_EQ(second.content, "second") << "asked about while the first is undecided";
  chat_client bob = connect(host.server, "bob");
  bob.send(join_a);
  EXPECT_TRUE(has(bob.text(), "bob")) << "nobody else waits";
  EXPECT_TRUE(has(ann.text(), "bob"));
  host.decide(second, {});
  bob.send(heartbeat);
  EXPECT_TRUE(has(bob.text(), "heartbeat")) << "the second waits for the first";
  host.decide(first, {});
  EXPECT_TRUE(has(bob.text(), "first"));
  EXPECT_TRUE(has(bob.text(), "second"));
}

TEST(events, hold_back_what_the_same_client_asks_next_and_its_close) {
  program host({.message = true});
  chat_client ann = join(host.server, "ann");
  chat_client bob = join(host.server, "bob");
  bob.send(message("last words"));
  bob.send(heartbeat);
  bob.send(leave_a);
  bob.send(message("after leaving"));
  bob.send_raw(test::client_frame(opcode::close, std::string("\x03\xe8", 2)));
  const event asked = host.next();
  EXPECT_TRUE(has(ann.text(), "bob"));  // joined
  host.decide(asked, {verdict::kind::change, "LAST WORDS"});
  EXPECT_TRUE(has(ann.text(), "LAST WORDS"));
  EXPECT_TRUE(has(ann.text(), "user_left"));
  // chat/1 promises no order between a room's messages and answers.
  const std::string heard = bob.text() + bob.text() + bob.text();
  for (const char* piece : {"LAST WORDS", "heartbeat", "not_joined"}) {
    EXPECT_TRUE(has(heard, piece)) << heard;
  }
  EXPECT_EQ(bob.close_code(), 1000);
}

TEST(events, ask_about_a_message_behind_a_join_once_the_join_is_decided) {
  program host({.join = true, .message = true});
  chat_client ann = connect(host.server, "ann");
  ann.send(join_a);
  ann.send(message("x"));
  const event joining = host.next();
  EXPECT_EQ(joining.kind, event_kind::join);
  EXPECT_EQ(joining.room, "a");
  host.decide(joining, {});
  const event publishing = host.next();
  EXPECT_EQ(publishing.kind, event_kind::message);
  EXPECT_EQ(publishing.user, "ann");
  host.decide(publishing, {});
  EXPECT_TRUE(has(ann.text(), "user_joined"));
  EXPECT_TRUE(has(ann.text(), R"("content":"x")"));
}

TEST(events, malformed_behind_an_undecided_message_closes_after_it) {
  program host({.message = true});
  chat_client ann = join(host.server, "ann");
  ann.send(message("x"));
  ann.send("{");
  host.decide(host.next(), {});
  EXPECT_TRUE(has(ann.text(), R"("content":"x")"));
  EXPECT_EQ(ann.close_code(), 1003);
}

TEST(events, a_fault_behind_an_undecided_message_closes_after_it) {
  const std::string too_long(65'537, ' ');
  const std::pair<std::string, int> faults[] = {
      {test::client_frame(opcode::text, too_long), 1009},
      {test::client_frame(opcode::binary, "x"), 1003},
      {test::client_frame(opcode::text, "\xff"), 1007},
      {test::client_frame(static_cast<opcode>(3), "x"), 1002},
  };
  for (const auto& [fault, code] : faults) {
    program host({.message = true});
    chat_client ann = join(host.server, "ann");
    ann.send(message("x"));
    ann.send_raw(fault);
    ann.send(message("behind it"));
    host.decide(host.next(), {});
    EXPECT_TRUE(has(ann.text(), R"("content":"x")")) << code;
    EXPECT_EQ(ann.close_code(), code);
  }
}

TEST(events, verdicts_for_what_is_gone_are_dropped) {
  program host({.message = true, .close = true});
  event asked;
  {
    chat_client ann = join(host.server, "ann");
    ann.send(message("x"));
    asked = host.next();
  }
  host.decide(asked, {});  // what it said outlives it until then
  EXPECT_EQ(host.next().kind, event_kind::close);
  host.decide(asked, {});
  host.decide(asked, {});
  chat_client bob = join(host.server, "bob");  // in the same place
  host.decide(asked, {});
  bob.send(heartbeat);
  EXPECT_TRUE(has(bob.text(), "heartbeat"));
  EXPECT_EQ(host.server.engine.close(asked.ticket.from).code, error::connection_closed);
  EXPECT_EQ(host.server.engine.send(asked.ticket.from, "x").code, error::connection_closed);
}

// What may wait for verdicts of one connection is 512 KiB: about 250 of these messages. The others
// wait in the client and in the kernel, at all times.
TEST(events, a_flood_that_nobody_decides_is_not_read_and_then_served_whole) {
  program host({.message = true});
  chat_client ann = join(host.server, "ann");
  chat_client bob = connect(host.server, "bob");
  constexpr std::uint64_t count = 2'000;
  constexpr std::uint64_t undecided_max = 500;
  const auto asked_about = [&] { return host.server.engine.read_stats().messages_in[2]; };
  std::thread flood([&] {
    for (std::uint64_t i = 0; i < count; ++i) {
      ann.send(message(std::to_string(i) + std::string(2'000, 'x')));
    }
  });
  event asked = host.next();
  EXPECT_TRUE(host.server.eventually([](const stats& now) { return now.messages_in[2] > 200; }));
  // A turn of the loop at least each: time to read 64 KiB of the flood, were it read.
  for (int i = 0; i < 200; ++i) {
    bob.send(heartbeat);
    EXPECT_TRUE(has(bob.text(), "heartbeat"));
  }
  EXPECT_LT(asked_about(), undecided_max) << "held without bound";
  std::thread decider([&] {
    std::uint64_t most = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      EXPECT_TRUE(asked.content.starts_with(std::to_string(i) + "x"));
      most = std::max(most, asked_about() - i);
      host.decide(asked, {});
      if (i + 1 < count) asked = host.next();
    }
    EXPECT_LT(most, undecided_max);
  });
  for (std::uint64_t i = 0; i < count; ++i) {
    ASSERT_TRUE(has(ann.text(), '"' + std::to_string(i) + "x")) << i;
  }
  flood.join();
  decider.join();
}

TEST(calls, publish_reaches_the_members_of_a_room_from_eight_threads_in_each_ones_order) {
  running_server server;
  chat_client ann = join(server, "ann");
  std::vector<std::thread> publishers;
  for (char name = 'a'; name < 'i'; ++name) {
    publishers.emplace_back([&server, name] {
      for (int i = 0; i < 200; ++i) {
        EXPECT_TRUE(server.engine.publish("a", std::to_string(i), std::string(1, name)));
      }
    });
  }
  std::array<int, 8> next{};
  for (int i = 0; i < 8 * 200; ++i) {
    const std::string text = ann.text();
    const auto who = static_cast<std::size_t>(text.at(text.find("\"user\":\"") + 8) - 'a');
    ASSERT_TRUE(has(text, "\"content\":\"" + std::to_string(next.at(who)) + "\"")) << text;
    ++next.at(who);
  }
  for (std::thread& one : publishers) one.join();
}

TEST(calls, send_to_reaches_every_connection_of_a_user) {
  running_server server;
  chat_client one = connect(server, "ann");
  chat_client other = connect(server, "ann");
  EXPECT_TRUE(server.engine.send_to("ann", "psst \"you\""));
  for (chat_client* client : {&one, &other}) {
    EXPECT_TRUE(
        has(client->text(), R"({"type":"direct","user":"server","content":"psst \"you\"")"));
  }
  EXPECT_TRUE(server.engine.send_to("nobody", "x"));
}

TEST(calls, list_rooms_and_members) {
  running_server server;
  chat_client ann = join(server, "ann");
  chat_client bob = join(server, "bob");
  std::vector<room_info> rooms;
  ASSERT_TRUE(server.engine.list_rooms(rooms));
  ASSERT_EQ(rooms.size(), 1U);
  EXPECT_EQ(rooms[0].name, "a");
  EXPECT_EQ(rooms[0].members, 2U);
  std::vector<member_info> members;
  ASSERT_TRUE(server.engine.list_members("a", members));
  ASSERT_EQ(members.size(), 2U);
  EXPECT_EQ(members[0].user, "ann");
  ASSERT_TRUE(server.engine.close(members[0].connection, 1008));
  EXPECT_EQ(ann.close_code(), 1008);
  ASSERT_TRUE(server.engine.list_members("elsewhere", members));
  EXPECT_TRUE(members.empty());
}

TEST(calls, with_bad_arguments_say_what_is_wrong) {
  running_server server;
  EXPECT_EQ(server.engine.publish("", "x").code, error::bad_name);
  EXPECT_EQ(server.engine.publish("a", "\xff").code, error::bad_content);
  EXPECT_EQ(server.engine.publish("a", std::string(65'537, 'x')).code, error::bad_content);
  EXPECT_EQ(server.engine.publish("a", "x", std::string(65, 'u')).code, error::bad_name);
  EXPECT_EQ(server.engine.close({}, 1005).code, error::bad_close_code);
  EXPECT_EQ(server.engine.close({}, 1000).code, error::connection_closed);
}

TEST(calls, before_the_start_and_after_the_end_say_that_nothing_runs) {
  server engine({.port = 0});
  EXPECT_EQ(engine.publish("a", "x").code, error::not_running);
  ASSERT_TRUE(engine.listen());
  std::vector<room_info> rooms;
  EXPECT_EQ(engine.list_rooms(rooms).code, error::not_running);
  ASSERT_TRUE(engine.run_in_background());
  EXPECT_TRUE(engine.list_rooms(rooms));
  engine.stop();
  engine.join();
  EXPECT_EQ(engine.list_rooms(rooms).code, error::not_running);
  EXPECT_EQ(engine.publish("a", "x").code, error::not_running);
}

}  // namespace
}  // namespace chinwag
