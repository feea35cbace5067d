// chinwagd's upgrade: another process of the program goes on with the connections.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "chat_client.hpp"
#include "chinwagd_process.hpp"

namespace chinwag {
namespace {

using test::chat_client;
using test::chinwagd_process;
using test::has;

chat_client join(std::uint16_t port, const std::string& user) {
  chat_client client(port, "/ws?user=" + user);
  client.text();
  client.send(R"({"type":"join","room":"a"})");
  client.text();
  return client;
}

void expect_echo(chat_client& client, const std::string& content) {
  client.send(R"({"type":"message","room":"a","content":")" + content + "\"}");
  EXPECT_TRUE(has(client.text(), content));
}

pid_t pid_of_server(std::uint16_t port) {
  const std::string answer =
      test::http_exchange(port, "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string mark = "\"pid\":";
  const std::size_t at = answer.find(mark);
  return at == std::string::npos ? -1 : std::stoi(answer.substr(at + mark.size()));
}

// Of a server that has just ended.
std::uint16_t free_port() {
  const test::running_server one;
  return one.port;
}

bool is_open(std::uint16_t port) {
  const int connection = test::connect_to(port);
  if (connection >= 0) ::close(connection);
  return connection >= 0;
}

// A program of its own in a folder of its own, to be replaced.
struct copied_program {
  copied_program() {
    std::string name = (std::filesystem::temp_directory_path() / "chinwagd-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    path = folder / "chinwagd";
    std::filesystem::copy_file(CHINWAGD, path);
  }
  ~copied_program() { std::filesystem::remove_all(folder); }

  // As an installer does: the old file stays what it is for who runs it.
  void replace(const std::string& script) const {
    std::filesystem::remove(path);
    std::ofstream(path) << script;
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }

  std::filesystem::path folder;
  std::filesystem::path path;
};

// Where a service manager listens.
struct notify_socket {
  notify_socket() {
    std::string name = (std::filesystem::temp_directory_path() / "notify-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    path = (folder / "socket").string();
    socket = ::socket(AF_UNIX, SOCK_DGRAM, 0);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path.copy(at.sun_path, sizeof at.sun_path - 1);
    EXPECT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    constexpr timeval patience{.tv_sec = 5, .tv_usec = 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~notify_socket() {
    ::close(socket);
    std::filesystem::remove_all(folder);
  }

  std::string next() const { return receive(0); }
  // Empty if nothing has come by now.
  std::string waiting() const { return receive(MSG_DONTWAIT); }

  std::string receive(int flags) const {
    std::array<char, 256> text{};
    const ssize_t got = ::recv(socket, text.data(), text.size(), flags);
    return got > 0 ? std::string(text.data(), static_cast<std::size_t>(got)) : "";
  }

  std::filesystem::path folder;
  std::string path;
  int socket = -1;
};

TEST(upgrade, at_sigusr2_another_process_goes_on_with_the_connections) {
  chinwagd_process first({"--port", "0"});
  const std::uint16_t port = first.port();
  chat_client ann = join(port, "ann");
  const pid_t before = first.pid();
  ASSERT_EQ(pid_of_server(port), before);
  first.signal(SIGUSR2);
  EXPECT_EQ(first.exit_code(), 0);
  const pid_t now = pid_of_server(port);
  EXPECT_NE(now, before);
  expect_echo(ann, "still here");
  ::kill(now, SIGTERM);
  EXPECT_EQ(ann.close_code(), 1012);
}

TEST(upgrade, the_command_waits_until_the_successor_serves) {
  chinwagd_process first({"--port", "0"});
  const std::uint16_t port = first.port();
  chat_client ann = join(port, "ann");
  chinwagd_process command({"upgrade", "--pid", std::to_string(first.pid())});
  // Though nobody has taken note of the old process's end.
  EXPECT_TRUE(command.says("has handed over to its successor"));
  EXPECT_EQ(command.exit_code(), 0);
  const pid_t now = pid_of_server(port);
  EXPECT_TRUE(command.says("process " + std::to_string(now)));
  EXPECT_EQ(first.exit_code(), 0);
  expect_echo(ann, "still here");
  ::kill(now, SIGKILL);
}

TEST(upgrade, the_command_leaves_a_process_alone_that_is_no_server) {
  const pid_t stranger = ::fork();
  if (stranger == 0) {
    // As a server of this kind has it, and other programs may.
    sigset_t upgrade{};
    ::sigaddset(&upgrade, SIGUSR2);
    ::sigprocmask(SIG_BLOCK, &upgrade, nullptr);
    ::pause();
    ::_exit(0);
  }
  chinwagd_process command({"upgrade", "--pid", std::to_string(stranger)});
  EXPECT_TRUE(command.says("is no chinwagd that can be upgraded: it was left alone"));
  EXPECT_EQ(command.exit_code(), 1);
  EXPECT_EQ(::waitpid(stranger, nullptr, WNOHANG), 0) << "it lives";
  ::kill(stranger, SIGKILL);
  ::waitpid(stranger, nullptr, 0);
}

TEST(upgrade, the_command_says_so_where_a_server_ends_and_nobody_took_over) {
  const copied_program program;
  chinwagd_process first({"--port", "0"}, {}, 0, program.path);
  first.port();
  // A successor that never greets, while somebody ends the server.
  program.replace("#!/bin/sh\ntouch \"$0.started\"\nexec sleep 30\n");
  chinwagd_process command({"upgrade", "--pid", std::to_string(first.pid())});
  ASSERT_TRUE(test::eventually(
      [&program] { return std::filesystem::exists(program.path.string() + ".started"); }));
  first.signal(SIGTERM);
  EXPECT_TRUE(command.says("has ended, and nobody took over"));
  EXPECT_EQ(command.exit_code(), 1);
  EXPECT_EQ(first.exit_code(), 0) << "a successor that is silent does not hold it up";
}

TEST(upgrade, the_command_leaves_a_server_alone_that_drains) {
  chinwagd_process first({"--port", "0"});
  const std::uint16_t port = first.port();
  chat_client ann = join(port, "ann");
  chat_client held(port, "/ws?user=held");  // never answers the close: the drain waits for it
  first.signal(SIGTERM);
  ASSERT_TRUE(test::eventually([port] { return !is_open(port); }));
  chinwagd_process command({"upgrade", "--pid", std::to_string(first.pid())});
  EXPECT_TRUE(command.says("listens no more, as one that drains: it was left alone"));
  EXPECT_EQ(command.exit_code(), 1);
}

TEST(upgrade, the_program_is_the_one_that_the_path_names_by_then) {
  const copied_program old;
  const copied_program newer;
  const std::filesystem::path link = old.folder / "current";
  std::filesystem::create_symlink(old.path, link);
  chinwagd_process first({"--port", "0"}, {}, 0, link);
  const std::uint16_t port = first.port();
  newer.replace("#!/bin/sh\nexit 7\n");
  std::filesystem::remove(link);
  std::filesystem::create_symlink(newer.path, link);
  first.signal(SIGUSR2);
  EXPECT_TRUE(first.says("it exited with 7"));
  EXPECT_EQ(pid_of_server(port), first.pid());
}

TEST(upgrade, a_request_that_comes_during_an_upgrade_is_the_successors) {
  const copied_program program;
  const std::filesystem::path real = program.folder / "real";
  std::filesystem::copy_file(program.path, real);
  chinwagd_process first({"--port", "0"}, {}, 0, program.path);
  const std::uint16_t port = first.port();
  chat_client ann = join(port, "ann");
  const std::filesystem::path note = program.folder / "started";
  // The same build, which takes its time to start.
  program.replace("#!/bin/sh\necho $$ > '" + note.string() + ".new'\nmv '" + note.string() +
                  ".new' '" + note.string() + "'\nsleep 0.3\nexec '" + real.string() +
                  "' \"$@\"\n");
  first.signal(SIGUSR2);
  ASSERT_TRUE(test::eventually([&note] { return std::filesystem::exists(note); }));
  pid_t second = 0;
  std::ifstream(note) >> second;
  first.signal(SIGUSR2);
  EXPECT_EQ(first.exit_code(), 0);
  pid_t third = 0;
  EXPECT_TRUE(test::eventually([&third, port, second] {
    third = pid_of_server(port);
    return third > 0 && third != second;
  }));
  expect_echo(ann, "still here");
  ::kill(third, SIGKILL);
}

// UndefinedBehaviorSanitizer, which is with AddressSanitizer, takes a pipe to look at memory: where
// no descriptor is left it takes every object for none.
#ifndef __SANITIZE_ADDRESS__
TEST(upgrade, comes_again_and_again_where_clients_have_all_descriptors) {
  constexpr int descriptors = 64;
  chinwagd_process first({"-c", "ulimit -n 64; exec '" CHINWAGD "' --port 0"}, {}, 0, "/bin/sh");
  const std::uint16_t port = first.port();
  chat_client ann = join(port, "ann");
  std::vector<int> others;
  for (int number = 0; number < descriptors; ++number) others.push_back(test::connect_to(port));
  pid_t serving = first.pid();
  for (int upgrade = 1; upgrade <= 5; ++upgrade) {
    chinwagd_process command({"upgrade", "--pid", std::to_string(serving)});
    ASSERT_TRUE(command.says("has handed over to its successor, process ")) << upgrade;
    serving = std::stoi(command.behind("successor, process "));
  }
  expect_echo(ann, "still here");
  ::kill(serving, SIGKILL);
  for (const int other : others) ::close(other);
}
#endif

TEST(upgrade, a_client_never_reads_the_log_of_a_server_without_standard_streams) {
  const std::uint16_t port = free_port();
  const std::string run = "exec '" CHINWAGD "' --port " + std::to_string(port) + " <&- >&- 2>&-";
  chinwagd_process first({"-c", run}, {}, 0, "/bin/sh");
  ASSERT_TRUE(test::eventually([port] { return is_open(port); }));
  std::vector<chat_client> clients;
  for (int number = 0; number < 6; ++number) {
    clients.push_back(join(port, "user" + std::to_string(number)));
  }
  first.signal(SIGUSR2);
  EXPECT_EQ(first.exit_code(), 0);
  const pid_t now = pid_of_server(port);
  for (chat_client& client : clients)
    client.send(R"({"type":"direct","to":"nobody","content":"x"})");
  for (chat_client& client : clients) {
    while (true) {
      const std::string heard = client.text();
      ASSERT_FALSE(heard.empty()) << "what is no frame ends the conversation";
      if (has(heard, "\"error\"")) break;
    }
  }
  ::kill(now, SIGKILL);
}

TEST(upgrade, a_service_manager_is_told_which_process_to_follow) {
  const notify_socket manager;
  chinwagd_process first({"--port", "0"}, {"NOTIFY_SOCKET=" + manager.path});
  const std::uint16_t port = first.port();
  EXPECT_EQ(manager.next(), "READY=1\nMAINPID=" + std::to_string(first.pid()) + "\n");
  first.signal(SIGUSR2);
  EXPECT_EQ(first.exit_code(), 0);
  const std::string said = manager.waiting();  // before the old process ends, or its unit would
  const pid_t now = pid_of_server(port);
  EXPECT_EQ(said, "READY=1\nMAINPID=" + std::to_string(now) + "\n");
  ::kill(now, SIGKILL);
}

TEST(upgrade, of_a_program_that_is_gone_the_old_process_goes_on) {
  const copied_program program;
  chinwagd_process first({"--port", "0"}, {}, 0, program.path);
  const std::uint16_t port = first.port();
  chat_client ann = join(port, "ann");
  std::filesystem::remove(program.path);
  first.signal(SIGUSR2);
  EXPECT_TRUE(first.says("the upgrade failed, this process goes on: can't start"));
  expect_echo(ann, "as before");
}

TEST(upgrade, of_a_program_that_ends_at_once_the_old_process_goes_on) {
  const copied_program program;
  chinwagd_process first({"--port", "0"}, {}, 0, program.path);
  const std::uint16_t port = first.port();
  chat_client ann = join(port, "ann");
  program.replace("#!/bin/sh\nexit 7\n");
  first.signal(SIGUSR2);
  EXPECT_TRUE(first.says("it exited with 7"));
  expect_echo(ann, "as before");
  EXPECT_EQ(pid_of_server(port), first.pid());
}

TEST(upgrade, of_a_program_that_speaks_another_version_the_old_process_goes_on) {
  const copied_program program;
  chinwagd_process first({"--port", "0"}, {}, 0, program.path);
  const std::uint16_t port = first.port();
  chat_client ann = join(port, "ann");
  program.replace("#!/bin/sh\nprintf 'chinwag\\000\\377\\000\\000\\000' >&3\nexec sleep 30\n");
  first.signal(SIGUSR2);
  EXPECT_TRUE(first.says("the successor speaks version 255 of the state"));
  expect_echo(ann, "as before");
}

}  // namespace
}  // namespace chinwag
