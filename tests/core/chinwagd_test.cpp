// The executable: settings from flags, environment and file, exit codes, signals.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "chat_client.hpp"
#include "chinwagd_process.hpp"

namespace chinwag {
namespace {

using test::chinwagd_process;
using test::has;
using test::outcome;

outcome run(std::vector<std::string> arguments, std::vector<std::string> environment = {}) {
  return chinwagd_process(std::move(arguments), std::move(environment)).wait();
}

struct settings_file {
  explicit settings_file(const std::string& content)
      : path(std::filesystem::temp_directory_path() /
             ("chinwagd-test-" + std::to_string(::getpid()) + ".toml")) {
    std::ofstream(path) << content;
  }
  ~settings_file() { std::filesystem::remove(path); }

  std::filesystem::path path;
};

TEST(chinwagd, tells_its_version_and_how_to_use_it) {
  EXPECT_EQ(run({"--version"}).output, "chinwagd " CHINWAG_VERSION "\n");
  const outcome help = run({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_TRUE(has(help.output, "Examples:"));
  for (const option_info& info : option_list()) {
    EXPECT_TRUE(has(help.output, info.variable)) << info.name;
  }
}

TEST(chinwagd, a_flag_outranks_the_environment_which_outranks_the_file) {
  const settings_file file("port = 1111\nping_interval_ms = 1111\nidle_timeout_ms = 1111\n");
  const outcome shown = run({"--config", file.path, "--print-config", "--port", "3333"},
                            {"CHAT_PORT=2222", "CHAT_PING_INTERVAL_MS=2222"});
  EXPECT_EQ(shown.code, 0);
  EXPECT_TRUE(has(shown.output, "\nport = 3333\n")) << shown.output;
  EXPECT_TRUE(has(shown.output, "\nping_interval_ms = 2222\n"));
  EXPECT_TRUE(has(shown.output, "\nidle_timeout_ms = 1111\n"));
  EXPECT_TRUE(has(shown.output, "\nclose_timeout_ms = 5000\n"));
}

TEST(chinwagd, the_printed_settings_give_the_same_settings) {
  const outcome first = run({"--print-config", "--slow-consumer", "skip", "--echo"});
  const settings_file file(first.output);
  EXPECT_EQ(run({"--config", file.path, "--print-config"}).output, first.output);
}

TEST(chinwagd, a_mistake_is_told_in_one_line_with_its_place) {
  const settings_file file("port = \"x\"\n");
  const std::pair<outcome, std::string> cases[] = {
      {run({"--port", "x"}), "command line: port is 'x': give a whole number from 0 to 65535"},
      {run({}, {"CHAT_PORT=70000"}), "environment CHAT_PORT: port is '70000': give a whole"},
      {run({"--config", file.path}), "port is 'x': give a whole number"},
      {run({"--config", "/nowhere.toml"}), "file /nowhere.toml"},
  };
  for (const auto& [found, text] : cases) {
    EXPECT_EQ(found.code, 2);
    EXPECT_TRUE(has(found.output, text)) << found.output;
    EXPECT_EQ(std::count(found.output.begin(), found.output.end(), '\n'), 1) << found.output;
  }
}

TEST(chinwagd, an_unknown_setting_in_a_file_is_told) {
  const settings_file file("prot = 1\n");
  const outcome found = run({"--config", file.path});
  EXPECT_EQ(found.code, 2);
  EXPECT_TRUE(has(found.output, "there is no option 'prot'")) << found.output;
}

TEST(chinwagd, a_port_in_use_is_one_line_and_exit_code_3) {
  chinwagd_process first({"--port", "0"});
  const outcome second = run({"--port", std::to_string(first.port()), "--log-level", "off"});
  EXPECT_EQ(second.code, 3);
  EXPECT_TRUE(second.output.starts_with("chinwagd: can't listen on 127.0.0.1:")) << second.output;
  EXPECT_EQ(std::count(second.output.begin(), second.output.end(), '\n'), 1);
}

TEST(chinwagd, drains_on_sigterm_and_exits_with_0) {
  chinwagd_process process({"--port", "0"});
  test::chat_client client(process.port());
  process.signal(SIGTERM);
  EXPECT_EQ(client.close_code(), 1012);
  EXPECT_EQ(process.wait().code, 0);
}

// Frames that arrived while the process was stopped lie in its sockets, and a client that only
// answers pings had none to answer.
TEST(chinwagd, that_was_stopped_for_a_while_closes_nobody_for_it) {
  chinwagd_process server(
      {"--port", "0", "--idle-timeout-ms", "1000", "--ping-interval-ms", "400"});
  const std::uint16_t port = server.port();
  test::chat_client talker(port, "/ws?user=talker");
  test::chat_client listener(port, "/ws?user=listener");
  talker.text();
  listener.text();
  server.signal(SIGSTOP);
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(2'500);
  while (std::chrono::steady_clock::now() < end) {
    talker.send(R"({"type":"heartbeat"})");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  server.signal(SIGCONT);
  for (test::chat_client* client : {&talker, &listener}) {
    client->send(R"({"type":"direct","to":"talker","content":"still here"})");
    std::string heard;
    while (heard.find("still here") == std::string::npos && client == &talker) {
      heard = client->text();
      ASSERT_FALSE(heard.empty()) << "closed";
    }
  }
  EXPECT_NE(talker.text().find("still here"), std::string::npos) << "the listener's, too";
}

// A reader of the log that went away takes nobody along.
TEST(chinwagd, whose_log_nobody_reads_serves_on_and_exits_with_0) {
  chinwagd_process process({"--port", "0"});
  const std::uint16_t port = process.port();
  process.close_output();
  test::chat_client client(port);
  process.signal(SIGTERM);
  EXPECT_EQ(client.close_code(), 1012);
  EXPECT_EQ(process.wait().code, 0);
}

// A signal that is pending before the program begins comes as soon as it may.
TEST(chinwagd, a_signal_before_it_can_drain_waits_until_it_can) {
  chinwagd_process process({"--port", "0"}, {}, SIGTERM);
  const outcome found = process.wait_for(std::chrono::seconds(20));
  EXPECT_EQ(found.code, 0) << found.output;
  EXPECT_TRUE(has(found.output, "ended with 0 connections open")) << found.output;
}

TEST(chinwagd, tells_how_many_a_drain_left) {
  chinwagd_process process(
      {"--port", "0", "--drain-timeout-ms", "200", "--close-timeout-ms", "60000"});
  const test::chat_client deaf(process.port());
  ASSERT_TRUE(deaf.upgraded());
  process.signal(SIGTERM);
  const outcome found = process.wait();
  EXPECT_EQ(found.code, 0);
  EXPECT_TRUE(has(found.output, "the drain's deadline came with 1 connection left"))
      << found.output;
}

TEST(chinwagd, warns_of_echo) {
  chinwagd_process process({"--port", "0", "--echo"});
  process.port();
  process.signal(SIGTERM);
  EXPECT_TRUE(has(process.wait().output, "--echo is for test suites"));
}

// Its reader stands still: the pipe is full, and no line of the log may hold up those who serve.
TEST(chinwagd, whose_log_is_a_full_pipe_serves_on_and_exits_with_0) {
  chinwagd_process process({"--port", "0"});
  test::chat_client client(process.port());
  process.fill_output();
  process.signal(SIGTERM);
  EXPECT_EQ(client.close_code(), 1012);
  EXPECT_EQ(process.exit_code(), 0);
}

TEST(chinwagd, whose_log_may_not_grow_serves_on_and_exits_with_0) {
  const std::string log = ::testing::TempDir() + "/chinwagd.full.log";
  std::ofstream(log) << std::string(2'000, 'x');
  const std::string limited = "ulimit -f 1; exec " CHINWAGD " --port 0 --echo 2>>" + log;
  const int how =
      std::system(("bash -c '" + limited + " & sleep 1; kill -TERM $!; wait $!'").c_str());
  EXPECT_EQ(WEXITSTATUS(how), 0);
}

TEST(chinwagd, says_so_where_its_standard_output_is_full) {
  for (const char* asked : {"--print-config", "--version", "--help"}) {
    const int how =
        std::system((std::string(CHINWAGD) + " " + asked + " >/dev/full 2>/dev/null").c_str());
    EXPECT_EQ(WEXITSTATUS(how), 1) << asked;
  }
}

TEST(chinwagd, a_folder_is_no_settings_file) {
  const outcome found = run({"--config", "/"});
  EXPECT_EQ(found.code, 2);
  EXPECT_TRUE(has(found.output, "file /: it is a folder")) << found.output;
}

// L5: as a service manager does that tells every process of a group.
TEST(chinwagd, told_to_stop_again_goes_on_to_say_goodbye) {
  chinwagd_process process({"--port", "0"});
  std::vector<std::unique_ptr<test::chat_client>> clients;
  for (int i = 0; i < 300; ++i) {
    clients.push_back(std::make_unique<test::chat_client>(process.port()));
  }
  for (int i = 0; i < 5; ++i) process.signal(SIGTERM);
  for (const auto& client : clients) ASSERT_EQ(client->close_code(), 1012);
  EXPECT_EQ(process.wait().code, 0);
}

TEST(chinwagd, a_second_interrupt_ends_at_once) {
  chinwagd_process process(
      {"--port", "0", "--close-timeout-ms", "60000", "--drain-timeout-ms", "60000"});
  const test::chat_client deaf(process.port());
  process.signal(SIGINT);
  test::pause();
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) {
    process.signal(SIGINT);
    test::pause();
  }
  EXPECT_EQ(process.wait().code, 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(chinwagd, a_backplane_that_is_no_redis_url_is_refused_without_its_password) {
  for (const char* url :
       {"http://127.0.0.1", "redis://", "redis://secret@", "redis://secret@host:0",
        "redis://secret@host:x", "redis://secret@host:70000", "redis://secret%4@host",
        "redis://secret@[::1", "redis://secret@[::1]6379"}) {
    const test::outcome ended = chinwagd_process({"--port", "0", "--backplane", url}).wait();
    EXPECT_EQ(ended.code, 2) << url;
    EXPECT_NE(ended.output.find("redis://[[user:]password@]host[:port]"), std::string::npos)
        << ended.output;
    EXPECT_EQ(ended.output.find("secret"), std::string::npos) << ended.output;
  }
}

TEST(chinwagd, a_backplane_that_does_not_answer_is_said_and_rooms_are_served) {
  chinwagd_process alone({"--port", "0", "--backplane", "redis://127.0.0.1:1"});
  test::chat_client ann(alone.port(), "/ws?user=ann");
  EXPECT_NE(ann.text().find("welcome"), std::string::npos);
  EXPECT_TRUE(alone.says("the other nodes can't be reached, rooms go on here alone: 127.0.0.1:1"));
}

}  // namespace
}  // namespace chinwag
