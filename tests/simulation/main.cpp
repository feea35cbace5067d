#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>

#include "generator.hpp"
#include "shrink.hpp"
#include "simulation.hpp"
#include "state/planted_fault.hpp"

namespace {

using simulation::outcome;
using simulation::script;

constexpr const char* usage =
    "chinwag_simulation: one shard on a simulated kernel, judged by protocol/chat-1.md\n"
    "  --seed N          one run (default 1)\n"
    "  --seeds A..B      runs of these seeds\n"
    "  --seconds S       seeds from --seed on until S seconds have passed\n"
    "  --events M        actions of a run (default 1500)\n"
    "  --script FILE     replay a script; --loud says what happens\n"
    "  --shrink S        seconds to look for a shorter script of a failure (default 30)\n"
    "  --save FILE       where the script of a failure is written, too\n"
    "  --fault NAME      plant a fault (builds with CHINWAG_PLANT_FAULTS); --faults lists them\n"
    "  --hash            print each run's trace hash\n";

struct arguments {
  std::uint64_t first = 1;
  std::uint64_t last = 1;
  std::uint64_t seconds = 0;
  std::uint64_t actions = 1500;
  std::uint64_t shrink_seconds = 30;
  std::string file{};
  std::string save{};
  bool loud = false;
  bool hash = false;
};

#define CHINWAG_NAME(name) #name,
constexpr const char* fault_names[] = {CHINWAG_FAULTS(CHINWAG_NAME)};
#undef CHINWAG_NAME

// False if there is no such fault, or none at all in this build.
bool plant([[maybe_unused]] const std::string& name) {
#ifdef CHINWAG_PLANT_FAULTS
  const auto* found = std::find(std::begin(fault_names), std::end(fault_names), name);
  chinwag::planted_fault = static_cast<chinwag::fault>(found - std::begin(fault_names));
  return found != std::end(fault_names);
#else
  std::fputs("this build has no planted faults: configure with -DCHINWAG_PLANT_FAULTS=ON\n",
             stderr);
  return false;
#endif
}

std::uint64_t running_seed = 0;

void tell_seed(int signal_number) {
  char text[96];
  const int size = std::snprintf(text, sizeof text, "seed %" PRIu64 " ended by signal %d\n",
                                 running_seed, signal_number);
  [[maybe_unused]] const ssize_t written = ::write(2, text, static_cast<std::size_t>(size));
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

std::optional<arguments> parse(int count, char** values) {
  arguments given;
  for (int i = 1; i < count; ++i) {
    const std::string name = values[i];
    if (name == "--loud") {
      given.loud = true;
      continue;
    }
    if (name == "--faults") {
      for (const char* fault : fault_names) std::puts(fault);
      std::exit(0);
    }
    if (name == "--hash") {
      given.hash = true;
      continue;
    }
    if (i + 1 >= count) return std::nullopt;
    const std::string value = values[++i];
    const auto number = [&] { return std::strtoull(value.c_str(), nullptr, 10); };
    if (name == "--seed") {
      given.first = given.last = number();
    } else if (name == "--seeds") {
      const std::size_t dots = value.find("..");
      if (dots == std::string::npos) return std::nullopt;
      given.first = number();
      given.last = std::strtoull(value.c_str() + dots + 2, nullptr, 10);
    } else if (name == "--seconds") {
      given.seconds = number();
    } else if (name == "--events") {
      given.actions = number();
    } else if (name == "--shrink") {
      given.shrink_seconds = number();
    } else if (name == "--script") {
      given.file = value;
    } else if (name == "--fault") {
      if (!plant(value)) return std::nullopt;
    } else if (name == "--save") {
      given.save = value;
    } else {
      return std::nullopt;
    }
  }
  return given;
}

int replay_file(const arguments& given) {
  // Opening a folder succeeds; reading it throws.
  std::error_code unknown;
  if (std::filesystem::is_directory(given.file, unknown)) {
    std::fprintf(stderr, "%s is a folder: --script takes one file of it\n", given.file.c_str());
    return 2;
  }
  std::ifstream in(given.file);
  if (!in) {
    std::fprintf(stderr, "can't read %s: %s\n", given.file.c_str(), std::strerror(errno));
    return 2;
  }
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  script run;
  std::string problem;
  if (!simulation::read_script(text, run, problem)) {
    std::fprintf(stderr, "%s: %s\n", given.file.c_str(), problem.c_str());
    return 2;
  }
  const outcome end = simulation::replay(run, given.loud);
  if (given.hash) std::printf("hash %016" PRIx64 "\n", end.hash);
  if (end.rule.empty()) {
    std::printf("ok\n");
    return 0;
  }
  std::printf("broken: %s: %s\n", end.rule.c_str(), end.text.c_str());
  return 1;
}

int fail(const arguments& given, std::uint64_t seed, const script& run, const outcome& end) {
  std::printf("seed %" PRIu64 " broke: %s: %s\n", seed, end.rule.c_str(), end.text.c_str());
  std::fflush(stdout);
  const script small = simulation::shrink(run, end.rule, given.shrink_seconds);
  const std::string text = "# " + end.rule + "\n" + simulation::write_script(small);
  std::printf("%zu actions of %zu do:\n%s", small.actions.size(), run.actions.size(), text.c_str());
  if (!given.save.empty()) std::ofstream(given.save) << text;
  return 1;
}

}  // namespace

int main(int count, char** values) {
  const auto given = parse(count, values);
  if (!given) {
    std::fputs(usage, stderr);
    return 2;
  }
  if (!given->file.empty()) return replay_file(*given);
  for (const int number : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGALRM}) {
    std::signal(number, tell_seed);
  }
  const auto began = std::chrono::steady_clock::now();
  const auto spent = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  };
  std::uint64_t events = 0;
  std::uint64_t runs = 0;
  const auto limit = static_cast<double>(given->seconds);
  for (std::uint64_t seed = given->first;
       given->seconds > 0 ? spent() < limit : seed <= given->last; ++seed) {
    running_seed = seed;
    ::alarm(60);
    script run;
    const outcome end = simulation::explore(simulation::choices(seed), seed, given->actions, run);
    ++runs;
    events += end.events;
    if (given->hash) std::printf("seed %" PRIu64 " hash %016" PRIx64 "\n", seed, end.hash);
    ::alarm(0);
    if (!end.rule.empty()) return fail(*given, seed, run, end);
  }
  std::printf("%" PRIu64 " runs, %" PRIu64 " events in %.1f s (%.0f events/s): no rule broken\n",
              runs, events, spent(), static_cast<double>(events) / std::max(spent(), 1e-9));
  return 0;
}
