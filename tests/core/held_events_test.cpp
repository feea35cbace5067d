// What waits for a program's verdicts: when the program is asked, and how much may wait.

#include <chrono>
#include <thread>

#include "deciding_program.hpp"

namespace chinwag {
namespace {

using test::chat_client;
using test::has;
using program = test::deciding_program;

constexpr const char* leave_a = R"({"type":"leave","room":"a"})";

std::string message(const std::string& content) {
  return R"({"type":"message","room":"a","content":")" + content + "\"}";
}

chat_client connect(const test::running_server& server, const std::string& user) {
  chat_client client(server.port, "/ws?user=" + user);
  EXPECT_TRUE(has(client.text(), "welcome"));
  return client;
}

chat_client join(const test::running_server& server, const std::string& user) {
  chat_client client = connect(server, user);
  client.send(R"({"type":"join","room":"a"})");
  EXPECT_TRUE(has(client.text(), "user_joined"));
  return client;
}

// Whether a message can be asked about depends on what waits in front of it: behind a leave its
// sender is no member any more, behind a join the join's answer comes first.
TEST(events, do_not_ask_about_a_message_behind_a_leave) {
  program host({.message = true, .close = true});
  chat_client ann = join(host.server, "ann");
  ann.send_raw(test::client_frame(opcode::text, message("first")) +
               test::client_frame(opcode::text, leave_a) +
               test::client_frame(opcode::text, message("after leaving")) +
               test::client_frame(opcode::close, std::string("\x03\xe8", 2)));
  const event first = host.next();
  EXPECT_EQ(first.content, "first");
  host.decide(first, {});
  std::string answers;
  for (std::string text = ann.text(); !text.empty(); text = ann.text()) answers += text;
  EXPECT_TRUE(has(answers, "not_joined")) << answers;
  EXPECT_EQ(host.next().kind, event_kind::close) << "nothing else was asked about";
}

TEST(events, do_not_ask_about_a_message_behind_a_join_until_that_is_decided) {
  program host({.join = true, .message = true});
  chat_client ann = connect(host.server, "ann");
  ann.send(R"({"type":"join","room":"a"})");
  host.decide(host.next(), {});
  EXPECT_TRUE(has(ann.text(), "user_joined"));
  ann.send_raw(test::client_frame(opcode::text, message("first")) +
               test::client_frame(opcode::text, R"({"type":"join","room":"b"})") +
               test::client_frame(opcode::text, message("second")));
  const event first = host.next();
  EXPECT_EQ(first.content, "first");
  host.decide(first, {});
  const event joining = host.next();
  EXPECT_EQ(joining.kind, event_kind::join) << "was asked about " << joining.content;
  host.decide(joining, {});
  EXPECT_EQ(host.next().content, "second");
}

// No connection holds much, all together hold too much: who has something undecided is not read
// for until there is less. That ann's second message came before bob's first is known by her first.
TEST(events, undecided_bytes_max_bounds_what_all_connections_hold) {
  program host({.message = true}, {.ping_interval_ms = 60'000, .undecided_bytes_max = 65'536});
  chat_client eve = join(host.server, "eve");
  chat_client ann = join(host.server, "ann");
  chat_client bob = join(host.server, "bob");
  eve.send(message(std::string(60'000, 'e')));
  const event held = host.next();
  ann.send_raw(test::client_frame(opcode::text, message(std::string(10'000, 'a'))) +
               test::client_frame(opcode::text, message("second")));
  EXPECT_EQ(host.next().user, "ann");
  bob.send(message("fence"));
  EXPECT_EQ(host.next().content, "fence") << "ann was read for";
  host.decide(held, {});
  EXPECT_EQ(host.next().content, "second");
}

// The client can't be heard while it is not read for. When that ends, it has its whole time again:
// it must not be judged by what it said before.
TEST(events, a_pause_of_reading_does_not_count_as_silence) {
  program host({.message = true},
               {.ping_interval_ms = 50, .idle_timeout_ms = 2'000, .undecided_bytes_max = 65'536});
  chat_client ann = join(host.server, "ann");
  ann.send(message(std::string(40'000, '1')));
  const event first = host.next();
  ann.send(message(std::string(40'000, '2')));
  const event second = host.next();
  std::this_thread::sleep_for(std::chrono::milliseconds(2'500));  // longer than the silent may be
  host.decide(first, {});
  host.decide(second, {});
  EXPECT_TRUE(has(ann.text(), "111"));
  EXPECT_TRUE(has(ann.text(), "222"));
  for (int i = 0; i < 4; ++i) {
    const auto frame = ann.receive();
    ASSERT_TRUE(frame.has_value());
    ASSERT_EQ(frame->code, opcode::ping) << "closed after the pause, ping " << i;
  }
}

}  // namespace
}  // namespace chinwag
