#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>

#include "../number_range.hpp"
#include "../sockets.hpp"
#include "server.hpp"

namespace chinwag::floor {
namespace {

constexpr const char* description =
    "A chat/1 server for chinwag-load alone, which does as little as one can: what the load\n"
    "generator reaches against it is the generator's own.";
constexpr const char* footer =
    "Example: chinwag-fan-out --port 4000 --frames-per-write 16 --cores 0\n"
    "Exit codes: 2 wrong option; 3 the port, or the machine's limits.";

void add_options(CLI::App& app, server_options& out, std::vector<int>& cores) {
  app.footer(footer);
  app.option_defaults()->always_capture_default()->delimiter(',');
  app.add_option("--port", out.port, "Of 127.0.0.1")
      ->envname("CHAT_PORT")
      ->check(CLI::Range(1, 65535));
  app.add_option("--frames-per-write", out.frames_per_write,
                 "A room's messages wait until there are so many")
      ->check(CLI::Range(1, 4096));
  app.add_option("--wait-ms", out.wait_ms, "But no longer than this")->check(between(0, 1000));
  app.add_option("--ping-s", out.ping_s, "Every connection is pinged so often")
      ->check(between(0.01, 3600));
  app.add_option("--faults-from", out.faults_from, "So many deliveries are right");
  app.add_option("--cores", cores, "CPU numbers to run on");
  constexpr std::array<const char*, fault_kinds> options{"--drop-every",     "--duplicate-every",
                                                         "--swap-every",     "--corrupt-every",
                                                         "--truncate-every", "--close-every"};
  for (std::size_t kind = 0; kind < fault_kinds; ++kind) {
    app.add_option(options[kind], out.faults[kind],
                   std::string("Every n-th delivery is ") + fault_names[kind] + "; 0: none");
  }
}

}  // namespace
}  // namespace chinwag::floor

int main(int argc, char** argv) try {
  chinwag::floor::occupy_standard_streams();
  chinwag::floor::server_options chosen;
  std::vector<int> cores;
  CLI::App app{chinwag::floor::description, "chinwag-fan-out"};
  chinwag::floor::add_options(app, chosen, cores);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  chinwag::floor::pin_to(cores);
  chinwag::floor::server(chosen).run();
} catch (const std::exception& error) {
  std::fprintf(stderr, "chinwag-fan-out: %s\n", error.what());
  return 3;
}
