#include "upgrade.hpp"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string_view>

namespace chinwagd {

namespace {

constexpr const char* variable = "CHINWAGD_PREDECESSOR";
// In the successor: behind the three standard streams, all that it inherits.
constexpr int channel_there = 3;

std::string own_program() {
  std::array<char, PATH_MAX> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : std::string{};
}

// This process's, and where the channel is.
std::vector<std::string> environment_of_successor() {
  std::vector<std::string> all{std::string(variable) + "=" + std::to_string(channel_there)};
  const std::string own = std::string(variable) + "=";
  for (char** at = environ; *at != nullptr; ++at) {
    if (!std::string_view(*at).starts_with(own)) all.emplace_back(*at);
  }
  return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Starts the program with the channel as its descriptor 3. Returns 0 or an errno.
int start(const std::string& program, char** arguments, int channel, pid_t& started) {
  posix_spawn_file_actions_t files{};
  posix_spawnattr_t settings{};
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&settings);
  ::posix_spawn_file_actions_adddup2(&files, channel, channel_there);
  sigset_t none{};
  sigset_t all{};
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&settings, &none);
  ::posix_spawnattr_setsigdefault(&settings, &all);
  ::posix_spawnattr_setflags(&settings, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<std::string> environment = environment_of_successor();
  const int outcome = ::posix_spawn(&started, program.c_str(), &files, &settings, arguments,
                                    pointers_to(environment).data());
  ::posix_spawnattr_destroy(&settings);
  ::posix_spawn_file_actions_destroy(&files);
  return outcome;
}

std::string end_of(pid_t child) {
  int how = 0;
  if (::waitpid(child, &how, 0) != child) return {};
  if (WIFEXITED(how)) return "it exited with " + std::to_string(WEXITSTATUS(how));
  return "it was ended by signal " + std::to_string(WTERMSIG(how));
}

}  // namespace

int channel_to_predecessor() {
  const char* const text = std::getenv(variable);
  if (text == nullptr) return -1;
  int channel = -1;
  std::from_chars(text, text + std::strlen(text), channel);
  return channel;
}

upgrader::upgrader(chinwag::server& server, char** arguments)
    : server_(server), arguments_(arguments), program_(own_program()) {
  sigset_t asked{};
  ::sigemptyset(&asked);
  ::sigaddset(&asked, SIGUSR2);
  signals_ = ::signalfd(-1, &asked, SFD_CLOEXEC | SFD_NONBLOCK);
  stop_ = ::eventfd(0, EFD_CLOEXEC);
  if (signals_ < 0 || stop_ < 0 || program_.empty()) {
    spdlog::warn("no upgrade will be possible: {}", std::strerror(errno));
    return;
  }
  thread_ = std::thread([this] { wait_for_signals(); });
}

upgrader::~upgrader() {
  if (thread_.joinable()) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(stop_, &one, sizeof one);
    thread_.join();
  }
  for (const int descriptor : {signals_, stop_}) {
    if (descriptor >= 0) ::close(descriptor);
  }
}

void upgrader::wait_for_signals() {
  std::array<pollfd, 2> events{{{signals_, POLLIN, 0}, {stop_, POLLIN, 0}}};
  while (true) {
    if (::poll(events.data(), events.size(), -1) < 0 && errno != EINTR) return;
    if (events[1].revents != 0) return;
    signalfd_siginfo asked{};
    if (::read(signals_, &asked, sizeof asked) == sizeof asked) upgrade();
  }
}

void upgrader::upgrade() {
  std::array<int, 2> channel{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel.data()) != 0) {
    spdlog::warn("the upgrade failed, this process goes on: {}", std::strerror(errno));
    return;
  }
  pid_t successor = 0;
  const int problem = start(program_, arguments_, channel[1], successor);
  ::close(channel[1]);
  if (problem != 0) {
    spdlog::warn("the upgrade failed, this process goes on: can't start {}: {}", program_,
                 std::strerror(problem));
  } else if (const chinwag::status outcome = server_.hand_over(channel[0]); outcome) {
    spdlog::info("handed over to process {}", successor);
  } else {
    // Before this process goes on: the other one must not serve as well.
    ::kill(successor, SIGKILL);
    spdlog::warn("the upgrade failed, this process goes on: {} ({})", outcome.text,
                 end_of(successor));
  }
  ::close(channel[0]);
}

int ask_for_upgrade(pid_t server) {
  using namespace std::chrono_literals;
  constexpr auto patience = 15s;
  if (::kill(server, SIGUSR2) != 0) {
    std::cerr << "chinwagd: process " << server << ": " << std::strerror(errno) << "\n";
    return 1;
  }
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (::kill(server, 0) == 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      std::cerr << "chinwagd: process " << server << " goes on as before: its log says why\n";
      return 1;
    }
    std::this_thread::sleep_for(5ms);
  }
  std::cout << "process " << server << " has handed over to its successor\n";
  return 0;
}

}  // namespace chinwagd
