#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "chat_client.hpp"

namespace chinwag::test {

struct outcome {
  int code = -1;
  std::string output;  // both streams
};

// chinwagd with these arguments and these variables more than nothing.
class chinwagd_process {
 public:
  explicit chinwagd_process(std::vector<std::string> arguments,
                            std::vector<std::string> environment = {}, int pending_signal = 0,
                            const std::string& program = CHINWAGD) {
    std::array<int, 2> pipe_ends{};
    EXPECT_EQ(::pipe(pipe_ends.data()), 0);
    output_ = pipe_ends[0];
    arguments.insert(arguments.begin(), program);
    const std::vector<char*> argv = pointers(arguments);
    const std::vector<char*> envp = pointers(environment);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(pipe_ends[1], STDOUT_FILENO);
      ::dup2(pipe_ends[1], STDERR_FILENO);
      if (pending_signal != 0) {
        sigset_t held{};
        ::sigemptyset(&held);
        ::sigaddset(&held, pending_signal);
        ::sigprocmask(SIG_BLOCK, &held, nullptr);
        ::raise(pending_signal);
      }
      ::execve(program.c_str(), argv.data(), envp.data());
      ::_exit(127);
    }
    ::close(pipe_ends[1]);
  }

  // Where a test failed, its report has the log.
  ~chinwagd_process() {
    if (::testing::Test::HasFailure()) {
      read_what_came();
      std::cerr << text_;
    }
    if (output_ >= 0) ::close(output_);
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  chinwagd_process(const chinwagd_process&) = delete;
  chinwagd_process& operator=(const chinwagd_process&) = delete;

  void signal(int number) const { ::kill(pid_, number); }

  // Waits for the line that names the port.
  std::uint16_t port() {
    const std::string named = behind("serving on 127.0.0.1:");
    return named.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>(std::stoi(named));
  }

  // Waits until the log says this; false if its writers end before.
  bool says(const std::string& words) {
    while (text_.find(words) == std::string::npos) {
      if (!read_more()) return false;
    }
    return true;
  }

  // The rest of the line on which the log says this.
  std::string behind(const std::string& words) {
    const auto ends = [&] {
      return text_.find('\n', std::min(text_.find(words), text_.size())) != std::string::npos;
    };
    while (!ends()) {
      if (!read_more()) return "";
    }
    const std::size_t from = text_.find(words) + words.size();
    return text_.substr(from, text_.find('\n', from) - from);
  }

  pid_t pid() const { return pid_; }

  // Its exit code, whoever else holds its output open; -1 if it takes longer than 10 s. A log that
  // nobody reads would hold it up.
  int exit_code() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    int how = 0;
    while (::waitpid(pid_, &how, WNOHANG) == 0) {
      if (std::chrono::steady_clock::now() > end) return -1;
      read_what_came();
      test::pause();
    }
    pid_ = -1;
    return WIFEXITED(how) ? WEXITSTATUS(how) : -1;
  }

  void close_output() { ::close(std::exchange(output_, -1)); }

  // Nobody reads what it says from now on, and its pipe takes no more.
  void fill_output() {
    const std::string end = "/proc/" + std::to_string(pid_) + "/fd/2";
    const int pipe = ::open(end.c_str(), O_WRONLY | O_NONBLOCK);
    while (::write(pipe, "x", 1) == 1) {
    }
    ::close(pipe);
  }

  // As wait(), and ends it if it takes longer.
  outcome wait_for(std::chrono::seconds longest) {
    const auto end = std::chrono::steady_clock::now() + longest;
    siginfo_t how{};
    while (::waitid(P_PID, static_cast<id_t>(pid_), &how, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           how.si_pid == 0) {
      if (std::chrono::steady_clock::now() > end) signal(SIGKILL);
      test::pause();
    }
    return wait();
  }

  outcome wait() {
    while (read_more()) {
    }
    int how = 0;
    ::waitpid(std::exchange(pid_, -1), &how, 0);
    return {WIFEXITED(how) ? WEXITSTATUS(how) : -1, text_};
  }

 private:
  static std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (std::string& text : texts) all.push_back(text.data());
    all.push_back(nullptr);
    return all;
  }

  void read_what_came() {
    pollfd some{output_, POLLIN, 0};
    while (output_ >= 0 && ::poll(&some, 1, 0) > 0 && read_more()) {
    }
  }

  bool read_more() {
    std::array<char, 4096> buffer{};
    const ssize_t got = ::read(output_, buffer.data(), buffer.size());
    if (got <= 0) return false;
    text_.append(buffer.data(), static_cast<std::size_t>(got));
    return true;
  }

  pid_t pid_ = -1;
  int output_ = -1;
  std::string text_;
};

}  // namespace chinwag::test
