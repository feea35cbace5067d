#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <system_error>

#include "both_ends.hpp"
#include "number_range.hpp"
#include "sockets.hpp"

namespace chinwag::floor {
namespace {

constexpr const char* description =
    "CPU time that the kernel alone takes to deliver a frame over loopback TCP: the sending\n"
    "process's; the reading one's is not counted, and nothing is framed or parsed.";
constexpr const char* footer =
    "Example: chinwag-floor --frame-bytes 1143 --sender-cores 0 --reader-cores 1\n"
    "Exit codes: 0 measured; 2 wrong option; 3 the machine's limits, or a full output.";

struct options {
  std::uint32_t frame_bytes = 1143;
  std::uint32_t frames_per_write = 1;
  std::uint32_t connections = 1000;
  double seconds = 1;
  std::vector<int> sender_cores;
  std::vector<int> reader_cores;
};

void add_options(CLI::App& app, options& out) {
  app.footer(footer);
  app.option_defaults()->always_capture_default()->delimiter(',');
  app.add_option("--frame-bytes", out.frame_bytes, "Size of a frame")->check(CLI::Range(1, 65536));
  app.add_option("--frames-per-write", out.frames_per_write, "One after the other in one send()")
      ->check(CLI::Range(1, 1024));
  app.add_option("--connections", out.connections, "They take turns")->check(CLI::Range(1, 100000));
  app.add_option("--seconds", out.seconds, "Of sending")->check(between(0.01, 3600));
  app.add_option("--sender-cores", out.sender_cores, "CPU numbers of the sender");
  app.add_option("--reader-cores", out.reader_cores, "CPU numbers of the reader");
}

void measure(const options& chosen, const std::vector<int>& connections, int credits) {
  const std::vector<char> bytes(std::size_t{chosen.frame_bytes} * chosen.frames_per_write, 'x');
  const cost found = send_for(chosen.seconds, connections, bytes, credits);
  const auto frames = found.writes * chosen.frames_per_write;
  const nlohmann::ordered_json result = {
      {"frame_bytes", chosen.frame_bytes},
      {"frames_per_write", chosen.frames_per_write},
      {"connections", chosen.connections},
      {"frames", frames},
      {"seconds", found.seconds},
      {"cpu_s", found.cpu_s},
      {"cpu_us_per_frame", found.cpu_s * 1e6 / static_cast<double>(frames)}};
  if (std::puts(result.dump().c_str()) < 0 || std::fflush(stdout) != 0) {
    throw std::system_error(errno, std::generic_category(), "standard output can't be written");
  }
}

void run(const options& chosen) {
  const connections ends = connect_over_loopback(chosen.connections);
  int credits[2];
  checked(pipe(credits), "pipe");
  const auto reader = static_cast<pid_t>(checked(fork(), "fork"));
  if (reader == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close_all(ends.sending);
    pin_to(chosen.reader_cores);
    read_until_closed(ends.reading, credits[1]);
    return;
  }
  // The sender notices the reader's end because nobody else can write then.
  close(credits[1]);
  close_all(ends.reading);
  pin_to(chosen.sender_cores);
  measure(chosen, ends.sending, credits[0]);
  close_all(ends.sending);
  waitpid(reader, nullptr, 0);
}

}  // namespace
}  // namespace chinwag::floor

int main(int argc, char** argv) try {
  chinwag::floor::occupy_standard_streams();
  chinwag::floor::options chosen;
  CLI::App app{chinwag::floor::description, "chinwag-floor"};
  add_options(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  chinwag::floor::run(chosen);
} catch (const std::exception& error) {
  std::fprintf(stderr, "chinwag-floor: %s\n", error.what());
  return 3;
}
