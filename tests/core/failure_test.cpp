// What goes wrong in the program or the system around a server, and what is left then.

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <thread>

#include "chat_client.hpp"
#include "chinwag/server.hpp"
#include "loop/program_calls.hpp"

namespace {

// The thread's next allocation fails.
thread_local bool no_memory = false;

void* allocate(std::size_t size) {
  if (std::exchange(no_memory, false)) throw std::bad_alloc();
  if (void* got = std::malloc(size)) return got;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) {
  return allocate(size);
}
void* operator new[](std::size_t size) {
  return allocate(size);
}
void operator delete(void* at) noexcept {
  std::free(at);
}
void operator delete[](void* at) noexcept {
  std::free(at);
}
void operator delete(void* at, std::size_t) noexcept {
  std::free(at);
}
void operator delete[](void* at, std::size_t) noexcept {
  std::free(at);
}

namespace chinwag {
namespace {

using test::chat_client;
using test::has;
using test::running_server;

constexpr const char* join_a = R"({"type":"join","room":"a"})";

std::string message(const std::string& content) {
  return R"({"type":"message","room":"a","content":")" + content + "\"}";
}

// Lines of a server's log, from another thread.
class log_lines {
 public:
  log_callback callback() {
    return [this](log_level level, std::string_view text) {
      const std::lock_guard locked(guard_);
      if (level == log_level::warning) lines_.emplace_back(text);
    };
  }
  std::vector<std::string> warnings() {
    const std::lock_guard locked(guard_);
    return lines_;
  }

 private:
  std::mutex guard_;
  std::vector<std::string> lines_;
};

TEST(failure, a_handler_that_throws_costs_the_request_and_a_line_in_the_log) {
  log_lines log;
  server engine({.port = 0}, log.callback(),
                {.open = [](connection_handle, std::string_view) { throw 1; },
                 .join = [](const join_request& asked) -> verdict {
                   if (asked.room == "a") return {};
                   throw std::runtime_error("join went wrong");
                 },
                 .message = [](const message_request&) -> verdict {
                   throw std::runtime_error("message went wrong");
                 },
                 .close = [](connection_handle, std::string_view, std::uint16_t) { throw 2; },
                 .turn_end = [] { throw 3; }});
  const std::uint16_t port = engine.listen().port;
  ASSERT_TRUE(engine.run_in_background());
  {
    chat_client ann(port);
    EXPECT_TRUE(has(ann.text(), "welcome"));
    ann.send(R"({"type":"join","room":"b"})");
    EXPECT_TRUE(has(ann.text(), R"("code":"unavailable")"));
    ann.send(join_a);
    EXPECT_TRUE(has(ann.text(), "user_joined"));
    for (int i = 0; i < 100; ++i) {
      ann.send(message("x"));
      EXPECT_TRUE(has(ann.text(), R"("code":"unavailable")"));
    }
  }
  engine.drain(std::chrono::seconds(5));
  engine.join();
  const std::vector<std::string> warnings = log.warnings();
  ASSERT_FALSE(warnings.empty());
  EXPECT_EQ(warnings[0], "the handler 'open' threw: no std::exception");
  EXPECT_LT(warnings.size(), 30U) << "as many lines as failures";
}

TEST(failure, no_memory_in_a_turn_ends_the_run_and_answers_those_who_wait) {
  log_lines log;
  std::atomic<bool> held = false;
  std::atomic<bool> waits = false;
  server engine({.port = 0}, log.callback(), {.message = [&](const message_request&) -> verdict {
                  held = true;
                  while (!waits) test::pause();
                  test::pause();
                  no_memory = true;  // met behind the handler
                  return {verdict::kind::answer};
                }});
  const std::uint16_t port = engine.listen().port;
  ASSERT_TRUE(engine.run_in_background());
  chat_client ann(port);
  chat_client bob(port);
  ann.text();
  bob.text();
  ann.send(join_a);
  ann.text();
  ann.send(message("x"));
  while (!held) test::pause();
  error heard = error::none;
  std::thread waiter([&] {
    std::vector<room_info> rooms;
    waits = true;
    heard = engine.list_rooms(rooms).code;
  });
  EXPECT_TRUE(bob.ends()) << "every connection ends";
  waiter.join();
  engine.join();
  EXPECT_EQ(heard, error::not_running);
  EXPECT_EQ(engine.read_stats().connections, 0U);
  EXPECT_EQ(test::connect_to(port), -1);
  ASSERT_EQ(log.warnings().size(), 1U);
  EXPECT_EQ(log.warnings()[0], "ended by a failure (no memory) with 2 connections open");
}

TEST(failure, no_memory_on_the_callers_thread_is_an_error) {
  server* engine = nullptr;
  status outcome;
  running_server server;
  engine = &server.engine;
  const std::string long_text(1'000, 'x');
  no_memory = true;
  outcome = engine->publish("a", long_text);
  no_memory = false;
  EXPECT_EQ(outcome.code, error::out_of_memory);
  EXPECT_TRUE(engine->publish("a", long_text));
}

TEST(failure, no_thread_leaves_the_server_ready_to_run) {
  server engine({.port = 0});
  const std::uint16_t port = engine.listen().port;
  pthread_attr_t usual;
  pthread_attr_t impossible;
  ASSERT_EQ(::pthread_getattr_default_np(&usual), 0);
  ASSERT_EQ(::pthread_getattr_default_np(&impossible), 0);
  ASSERT_EQ(::pthread_attr_setstacksize(&impossible, std::size_t{1} << 50), 0);
  ASSERT_EQ(::pthread_setattr_default_np(&impossible), 0);
  const status failed = engine.run_in_background();
  ASSERT_EQ(::pthread_setattr_default_np(&usual), 0);
  EXPECT_EQ(failed.code, error::system_failure);
  EXPECT_TRUE(has(failed.text, "thread")) << failed.text;
  EXPECT_EQ(engine.publish("a", "x").code, error::not_running);
  EXPECT_TRUE(engine.run_in_background());
  chat_client ann(port);
  EXPECT_TRUE(has(ann.text(), "welcome"));
}

TEST(failure, bad_options_are_told_before_anything_is_made_of_them) {
  server engine({.port = 0, .read_bytes_per_turn = UINT32_MAX});
  EXPECT_EQ(engine.listen().outcome.code, error::bad_option_value);
  EXPECT_EQ(engine.run().code, error::not_listening);
  server wide({.port = 0, .header_bytes_max = UINT32_MAX});
  EXPECT_EQ(wide.listen().outcome.code, error::bad_option_value);
}

std::ptrdiff_t threads() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

TEST(failure, a_handler_may_drop_the_server) {
  std::thread([] {}).join();  // with the first one ThreadSanitizer starts one of its own
  const std::ptrdiff_t threads_before = threads();
  for (const bool background : {true, false}) {
    std::unique_ptr<server> engine;
    std::atomic<bool> dropped = false;
    engine = std::make_unique<server>(options{.port = 0}, log_callback{},
                                      handlers{.open = [&](connection_handle, std::string_view) {
                                        engine.reset();
                                        dropped = true;
                                      }});
    const std::uint16_t port = engine->listen().port;
    std::thread runner;
    if (background) {
      ASSERT_TRUE(engine->run_in_background());
    } else {
      runner = std::thread([&] { EXPECT_TRUE(engine->run()); });
    }
    chat_client ann(port);
    EXPECT_TRUE(ann.ends());
    if (runner.joinable()) runner.join();
    EXPECT_TRUE(dropped);
  }
  // Nobody joins the thread of a server that is gone: it ends by itself.
  for (int i = 0; i < 5'000 && threads() > threads_before; ++i) test::pause();
  EXPECT_EQ(threads(), threads_before);
}

TEST(failure, a_negative_drain_is_one_without_patience_and_an_endless_one_has_no_deadline) {
  for (const std::int64_t deadline_ms : {std::int64_t{-1}, std::int64_t{1} << 32, INT64_MAX}) {
    running_server server({.close_timeout_ms = 60'000});
    chat_client ann(server.port);
    ann.text();
    server.engine.drain(std::chrono::milliseconds(deadline_ms));
    if (deadline_ms < 0) {
      EXPECT_TRUE(ann.ends());
    } else {
      EXPECT_EQ(ann.close_code(), 1012) << deadline_ms;
      ann.send_raw(test::client_frame(opcode::close, std::string("\x03\xf4", 2)));
      { const chat_client gone = std::move(ann); }
    }
    server.engine.join();
  }
}

TEST(failure, a_drain_says_whom_it_left) {
  log_lines log;
  server engine({.port = 0, .close_timeout_ms = 60'000}, log.callback());
  const std::uint16_t port = engine.listen().port;
  ASSERT_TRUE(engine.run_in_background());
  const chat_client deaf(port);
  engine.drain(std::chrono::milliseconds(100));
  engine.join();
  ASSERT_EQ(log.warnings().size(), 1U);
  EXPECT_EQ(log.warnings()[0], "the drain's deadline came with 1 connection left: they were reset");
}

// The serving thread is held in a handler while the program goes on calling.
TEST(failure, calls_that_wait_are_bounded_and_serve_again) {
  std::atomic<bool> held = false;
  std::atomic<bool> released = false;
  running_server server({.calls_bytes_max = 1'000'000},
                        {.open = [&](connection_handle, std::string_view) {
                          held = true;
                          while (!released) test::pause();
                        }});
  chat_client* ann = nullptr;
  std::thread connecting([&] { ann = new chat_client(server.port); });
  while (!held) test::pause();
  const std::string content(60'000, 'x');
  int taken = 0;
  status outcome;
  while ((outcome = server.engine.publish("a", content)) && taken < 1'000) ++taken;
  EXPECT_EQ(outcome.code, error::too_many_calls);
  EXPECT_TRUE(has(outcome.text, "1000000")) << outcome.text;
  EXPECT_GE(taken, 10);
  EXPECT_LE(taken, 16);
  EXPECT_TRUE(server.engine.decide({{}})) << "verdicts are always taken";
  released = true;
  connecting.join();
  std::vector<room_info> rooms;
  EXPECT_TRUE(server.engine.list_rooms(rooms));
  EXPECT_TRUE(server.engine.publish("a", content));
  delete ann;
}

TEST(failure, one_bad_verdict_does_not_cost_the_others_theirs) {
  std::mutex guard;
  std::vector<request_ticket> tickets;
  running_server server({}, {.message = [&](const message_request& asked) -> verdict {
                          const std::lock_guard locked(guard);
                          tickets.push_back(asked.ticket);
                          return {verdict::kind::later};
                        }});
  chat_client ann(server.port);
  ann.text();
  ann.send(join_a);
  ann.text();
  constexpr std::size_t count = 600;
  for (std::size_t i = 0; i < count; ++i) ann.send(message("x"));
  ASSERT_TRUE(server.eventually([&](const stats&) {
    const std::lock_guard locked(guard);
    return tickets.size() == count;
  }));
  std::vector<decision> all;
  for (const request_ticket& one : tickets) all.push_back({one, {verdict::kind::change, "y"}});
  all[1].outcome.text = "\xff";
  all[2].outcome.text = std::string(65'537, 'x');
  EXPECT_EQ(server.engine.decide(std::move(all)).code, error::bad_content);
  std::size_t refused = 0;  // told ahead of what was published in the same turn
  std::size_t published = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string heard = ann.text();
    refused += has(heard, R"("code":"unavailable")");
    published += has(heard, R"("content":"y")");
  }
  EXPECT_EQ(refused, 2U);
  EXPECT_EQ(published, count - 2);
}

TEST(failure, a_verdict_of_a_handler_has_a_longest_text) {
  std::size_t size = 65'536;
  running_server server({}, {.message = [&](const message_request&) -> verdict {
                          return {verdict::kind::answer, std::string(size++, 'x')};
                        }});
  chat_client ann(server.port);
  ann.text();
  ann.send(join_a);
  ann.text();
  ann.send(message("x"));
  EXPECT_TRUE(has(ann.text(), R"("type":"direct")"));
  ann.send(message("x"));
  EXPECT_TRUE(has(ann.text(), "unavailable"));
}

TEST(task_queue, drops_what_waits_when_it_is_abandoned) {
  task_queue tasks(1'000);
  EXPECT_EQ(tasks.put([] { return true; }, 1), task_queue::outcome::closed);
  tasks.open();
  const auto held = std::make_shared<int>(0);
  EXPECT_EQ(tasks.put([held] { return ++*held > 0; }, 600), task_queue::outcome::taken_first);
  EXPECT_EQ(tasks.put([held] { return ++*held > 0; }, 600), task_queue::outcome::full);
  EXPECT_EQ(tasks.put([held] { return ++*held > 0; }, task_queue::free),
            task_queue::outcome::taken);
  tasks.abandon();
  EXPECT_EQ(held.use_count(), 1) << "whoever waits for its end learns of it";
  EXPECT_EQ(*held, 0);
  EXPECT_EQ(tasks.put([] { return true; }, 1), task_queue::outcome::closed);
}

// A child of the host has every descriptor that the host had.
TEST(forked_child, keeps_no_connection_and_no_port_alive) {
  auto engine = std::make_unique<running_server>();
  const std::uint16_t port = engine->port;
  auto ann = std::make_unique<chat_client>(port);
  chat_client bob(port);
  ann->text();
  bob.text();
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  // The child holds the client's end, too, so it has to be shut rather than closed.
  ::shutdown(ann->descriptor(), SHUT_RDWR);
  EXPECT_TRUE(engine->eventually([](const stats& now) { return now.connections == 1; }));
  const std::uint64_t turns = engine->engine.read_stats().turns;
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LT(engine->engine.read_stats().turns - turns, 100U) << "the loop spins";
  bob.send_raw(test::client_frame(opcode::close, std::string("\x03\xe8", 2)));
  EXPECT_EQ(bob.close_code(), 1000);
  EXPECT_TRUE(bob.ends()) << "what the server closes ends for its peer";
  ::shutdown(bob.descriptor(), SHUT_RDWR);
  engine->engine.drain(std::chrono::seconds(5));
  engine->engine.join();
  EXPECT_EQ(test::connect_to(port), -1) << "accepted by nobody";
  server successor({.port = port});
  EXPECT_TRUE(successor.listen()) << "the port is free";
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST(successor, binds_the_port_while_the_server_before_it_drains) {
  running_server before({.close_timeout_ms = 60'000});
  const chat_client deaf(before.port);
  ASSERT_TRUE(deaf.upgraded());
  before.engine.drain(std::chrono::seconds(30));
  server successor({.port = before.port});
  listen_result bound = successor.listen();
  for (int i = 0; i < 1'000 && !bound; ++i) {
    test::pause();
    bound = successor.listen();
  }
  EXPECT_TRUE(bound) << bound.outcome.text;
  EXPECT_EQ(before.engine.read_stats().connections, 1U) << "it drains still";
}

}  // namespace
}  // namespace chinwag
