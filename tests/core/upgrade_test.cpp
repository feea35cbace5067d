// chinwagd's upgrade: another process of the program goes on with the connections.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>

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
  // Somebody has to take note of its end, or it would seem to go on.
  auto ended = std::async(std::launch::async, [&] { return first.exit_code(); });
  EXPECT_TRUE(command.says("has handed over to its successor"));
  EXPECT_EQ(ended.get(), 0);
  expect_echo(ann, "still here");
  ::kill(pid_of_server(port), SIGKILL);
}

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

  std::string next() const {
    std::array<char, 256> text{};
    const ssize_t got = ::recv(socket, text.data(), text.size(), 0);
    return got > 0 ? std::string(text.data(), static_cast<std::size_t>(got)) : "";
  }

  std::filesystem::path folder;
  std::string path;
  int socket = -1;
};

TEST(upgrade, a_service_manager_is_told_which_process_to_follow) {
  const notify_socket manager;
  chinwagd_process first({"--port", "0"}, {"NOTIFY_SOCKET=" + manager.path});
  const std::uint16_t port = first.port();
  EXPECT_EQ(manager.next(), "READY=1\nMAINPID=" + std::to_string(first.pid()) + "\n");
  first.signal(SIGUSR2);
  EXPECT_EQ(first.exit_code(), 0);
  const pid_t now = pid_of_server(port);
  EXPECT_EQ(manager.next(), "READY=1\nMAINPID=" + std::to_string(now) + "\n");
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
