// chinwagd: a chat/1 server as a process of its own.

#include <fcntl.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <utility>

#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

#include "backplane.hpp"
#include "chinwag/server.hpp"
#include "descriptors.hpp"
#include "faults.hpp"
#include "log_sink.hpp"
#include "notify.hpp"
#include "settings.hpp"
#include "upgrade.hpp"
#include "upgrade_request.hpp"

namespace {

constexpr int exit_cannot_print = 1;
constexpr int exit_usage = 2;
constexpr int exit_cannot_serve = 3;

// Connections beside which few descriptors are needed: below this a warning is due.
constexpr std::uint64_t ample_descriptors = 10'000;

// What the signal handler reaches: set before the handler is.
chinwag::server* signalled_server = nullptr;
std::chrono::milliseconds drain_deadline{0};
std::atomic<bool> draining{false};

// L5: told to stop again, as a service manager does that tells every process of a group, a server
// goes on to say goodbye. Ctrl-C is somebody who does not want to wait.
void on_signal(int number) {
  if (!draining.exchange(true)) {
    signalled_server->drain(drain_deadline);
  } else if (number == SIGINT) {
    signalled_server->stop();
  }
}

void handle_signals(chinwag::server& server, std::uint32_t drain_timeout_ms) {
  signalled_server = &server;
  drain_deadline = std::chrono::milliseconds(drain_timeout_ms);
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
}

// A signal that comes before there is a server to drain waits until there is.
void hold_signals(bool held) {
  sigset_t both{};
  ::sigemptyset(&both);
  ::sigaddset(&both, SIGTERM);
  ::sigaddset(&both, SIGINT);
  ::sigprocmask(held ? SIG_BLOCK : SIG_UNBLOCK, &both, nullptr);
}

// In all threads, as they inherit it: the upgrader alone waits for this signal.
void block_upgrades() {
  sigset_t upgrade{};
  ::sigemptyset(&upgrade);
  ::sigaddset(&upgrade, SIGUSR2);
  ::sigprocmask(SIG_BLOCK, &upgrade, nullptr);
}

// Large buffers go back to the system as soon as they are free. Otherwise glibc raises this limit
// to the size of the largest one that it saw, and keeps the memory of a flood long after.
void give_back_memory() {
#ifdef M_MMAP_THRESHOLD
  ::mallopt(M_MMAP_THRESHOLD, 32 * 1024);
#endif
}

// A standard stream that is closed would be the descriptor of a client, who would read the log.
void open_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) >= 0) continue;
    // The lowest that is free, so this one.
    [[maybe_unused]] const int opened = ::open("/dev/null", O_RDWR);
  }
}

// The server is about to go: nothing may reach for it any more.
void ignore_signals() {
  ::signal(SIGTERM, SIG_IGN);
  ::signal(SIGINT, SIG_IGN);
  signalled_server = nullptr;
}

// A log that can't be written is no reason to end: a pipe whose reader is gone, a file that may not
// grow. The upgrader has a thread of its own, which writes to it as well.
void begin_log(const std::string& level) {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  spdlog::set_error_handler([](const std::string&) {});
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("chinwagd", std::make_shared<chinwagd::patient_sink>()));
  spdlog::set_level(spdlog::level::from_str(level));
}

void write_log(chinwag::log_level level, std::string_view text) {
  spdlog::log(level == chinwag::log_level::info ? spdlog::level::info : spdlog::level::warn, "{}",
              text);
}

void warn_of_settings(const chinwagd::settings& all) {
  const std::uint64_t descriptors = chinwagd::raise_descriptor_limit();
  if (descriptors < ample_descriptors) {
    spdlog::warn("only {} open files allowed: raise the hard limit (ulimit -Hn) to serve more",
                 descriptors);
  }
  if (all.server.workers > 1) {
    spdlog::warn("{} workers asked for; this version serves with one", all.server.workers);
  }
  if (all.server.echo) {
    spdlog::warn("--echo is for test suites: every connection to /echo may hold {} bytes twice",
                 all.server.echo_bytes_max);
  }
}

chinwag::status listen_or_take_over(chinwag::server& server,
                                    const std::function<chinwag::status()>& make_ready) {
  const int predecessor = chinwagd::channel_to_predecessor();
  if (predecessor < 0) {
    const chinwag::status listening = server.listen().outcome;
    return listening ? make_ready() : listening;
  }
  chinwag::status taken = server.take_over(predecessor, make_ready).outcome;
  ::close(predecessor);
  return taken;
}

int serve(const chinwagd::settings& all, char** arguments) {
  begin_log(all.log_level);
  warn_of_settings(all);
  chinwagd::backplane_or_problem backplane = chinwagd::make_backplane(all.backplane);
  if (!backplane.problem) {
    std::cerr << "chinwagd: " << backplane.problem.text << "\n";
    return exit_usage;
  }
  chinwag::server server(all.server, write_log, chinwagd::faulty_handlers(),
                         std::move(backplane.made));
  chinwagd::upgrader upgrades(server, arguments);
  // Whatever may fail comes before a predecessor lets go.
  const auto make_ready = [&] {
    handle_signals(server, all.drain_timeout_ms);
    upgrades.prepare();
    chinwagd::notify_serving();
    return chinwag::status{};
  };
  if (const chinwag::status begun = listen_or_take_over(server, make_ready); !begun) {
    std::cerr << "chinwagd: " << begun.text << "\n";
    return exit_cannot_serve;
  }
  upgrades.begin();
  hold_signals(false);
  const chinwag::status outcome = server.run();
  const pid_t successor = upgrades.finish();
  ignore_signals();
  // Who ends this process means the server.
  if (successor != 0 && draining) ::kill(successor, SIGTERM);
  if (outcome) return 0;
  std::cerr << "chinwagd: " << outcome.text << "\n";
  return exit_cannot_serve;
}

// What was asked for is on standard output, or it was not given.
int after_printing(int exit_code) {
  if (std::cout.flush()) return exit_code;
  std::cerr << "chinwagd: standard output can't be written to\n";
  return exit_cannot_print;
}

}  // namespace

int main(int count, char** arguments) {
  open_standard_streams();
  hold_signals(true);
  block_upgrades();
  give_back_memory();
  const chinwagd::settings_or_exit settings = chinwagd::read_settings(count, arguments);
  if (!settings.read) return after_printing(settings.exit_code);
  if (settings.read->print_config) {
    std::cout << chinwagd::to_toml(*settings.read);
    return after_printing(0);
  }
  if (settings.read->upgrade_of != 0) return chinwagd::ask_for_upgrade(settings.read->upgrade_of);
  return serve(*settings.read, arguments);
}
