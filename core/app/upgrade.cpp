#include "upgrade.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <spdlog/spdlog.h>
#include <sys/auxv.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

#include "notify.hpp"
#include "upgrade_request.hpp"

namespace chinwagd {

namespace {

constexpr const char* variable = "CHINWAGD_PREDECESSOR";
// In the successor: behind the three standard streams, all that it inherits.
constexpr int channel_there = 3;

// Behind a link in this path may lie another version by the time of an upgrade: the path is kept as
// it was called. Where that names another file, as that of a loader, it is what runs.
std::string own_program() {
  namespace files = std::filesystem;
  std::error_code none;
  const files::path running = files::read_symlink("/proc/self/exe", none);
  const auto* const called = std::bit_cast<const char*>(::getauxval(AT_EXECFN));
  if (called == nullptr || *called == '\0') return running.string();
  const files::path path = files::absolute(called, none);
  const bool is_replaced = running.string().ends_with(" (deleted)");
  return is_replaced || files::equivalent(path, running, none) ? path.string() : running.string();
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
  ::sigemptyset(&none);
  // What is ignored stays so: nohup's SIGHUP.
  ::posix_spawnattr_setsigmask(&settings, &none);
  ::posix_spawnattr_setflags(&settings, POSIX_SPAWN_SETSIGMASK);
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
    : server_(server), arguments_(arguments), program_(own_program()) {}

upgrader::~upgrader() {
  finish();
  for (const int descriptor : {signals_, stop_, channel_[0], channel_[1]}) {
    if (descriptor >= 0) ::close(descriptor);
  }
}

void upgrader::prepare() {
  sigset_t asked{};
  ::sigemptyset(&asked);
  ::sigaddset(&asked, SIGUSR2);
  signals_ = ::signalfd(-1, &asked, SFD_CLOEXEC | SFD_NONBLOCK);
  stop_ = ::eventfd(0, EFD_CLOEXEC);
  if (signals_ < 0 || stop_ < 0 || program_.empty()) {
    spdlog::warn("no upgrade will be possible: {}", std::strerror(errno));
    return;
  }
  try {
    thread_ = std::thread([this] {
      // By this name `chinwagd upgrade` knows a server of this kind.
      ::pthread_setname_np(::pthread_self(), upgrader_thread);
      wait_for_signals();
    });
  } catch (const std::system_error& problem) {
    spdlog::warn("no upgrade will be possible: can't start a thread: {}", problem.what());
  }
}

// Not before a predecessor's descriptors are closed, or there might be none to reserve.
void upgrader::begin() {
  reserve();
  read_requests();
}

void upgrader::read_requests() {
  begun_.test_and_set();
  begun_.notify_one();
}

void upgrader::reserve() {
  const std::lock_guard lock(mutex_);
  if (channel_[0] >= 0) return;
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel_.data()) != 0) {
    channel_ = {-1, -1};
  }
}

pid_t upgrader::finish() {
  if (thread_.joinable()) {
    {
      // An upgrade that is under way has nothing to hand over any more; one that is done, has no
      // need of it.
      const std::lock_guard lock(mutex_);
      if (channel_[0] >= 0) ::shutdown(channel_[0], SHUT_RDWR);
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(stop_, &one, sizeof one);
    read_requests();
    thread_.join();
  }
  return successor_;
}

void upgrader::wait_for_signals() {
  begun_.wait(false);
  std::array<pollfd, 2> events{{{signals_, POLLIN, 0}, {stop_, POLLIN, 0}}};
  while (true) {
    if (::poll(events.data(), events.size(), -1) < 0 && errno != EINTR) return;
    if (events[1].revents != 0) return;
    signalfd_siginfo asked{};
    if (::read(signals_, &asked, sizeof asked) != sizeof asked) continue;
    if (try_to_upgrade()) return pass_on_another_request();
  }
}

// Whoever asked meanwhile may mean a build that is newer than the successor.
void upgrader::pass_on_another_request() const {
  signalfd_siginfo asked{};
  if (::read(signals_, &asked, sizeof asked) == sizeof asked) ::kill(successor_, SIGUSR2);
}

bool upgrader::try_to_upgrade() {
  bool done = false;
  try {
    done = upgrade();
  } catch (const std::exception& problem) {
    spdlog::warn("the upgrade failed, this process goes on: {}", problem.what());
  }
  close_channel();
  if (!done) reserve();
  return done;
}

void upgrader::close_channel() {
  const std::lock_guard lock(mutex_);
  for (int& end : channel_) {
    if (end >= 0) ::close(end);
    end = -1;
  }
}

bool upgrader::upgrade() {
  if (::getpid() == 1) {
    spdlog::warn(
        "no upgrade: with process 1 its container ends; start it below an init "
        "(docker run --init), and ask the server itself");
    return false;
  }
  reserve();
  if (channel_[0] < 0) {
    spdlog::warn("the upgrade failed, this process goes on: {}", std::strerror(errno));
    return false;
  }
  pid_t successor = 0;
  const int problem = start(program_, arguments_, channel_[1], successor);
  // Only the successor has that end from here on, so that it is seen to be gone. The descriptor
  // stays taken: a client that waits to be accepted would have it, and the successor none to keep
  // for the next upgrade.
  ::dup3(stop_, channel_[1], O_CLOEXEC);
  if (problem != 0) {
    spdlog::warn("the upgrade failed, this process goes on: can't start {}: {}", program_,
                 std::strerror(problem));
    return false;
  }
  return hand_over_to(successor);
}

bool upgrader::hand_over_to(pid_t successor) {
  const chinwag::status outcome = server_.hand_over(channel_[0]);
  if (outcome) {
    successor_ = successor;
    spdlog::info("handed over to process {} ({})", successor, program_);
    return true;
  }
  ::kill(successor, SIGKILL);
  // Whatever the other one has said of itself meanwhile.
  notify_serving();
  spdlog::warn("the upgrade failed, this process goes on: {} ({})", outcome.text,
               end_of(successor));
  return false;
}

}  // namespace chinwagd
