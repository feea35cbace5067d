#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "generator.hpp"
#include "simulation.hpp"

// A whole shard on the simulation's kernel: the input makes the choices of settings, clients,
// kernel and program, and the oracle judges what follows.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t actions_max = 400;
  simulation::script run;
  const simulation::outcome end =
      simulation::explore(simulation::choices(std::span(data, size)), 1, actions_max, run);
  if (!end.rule.empty()) {
    std::fprintf(stderr, "broken: %s: %s\n%s", end.rule.c_str(), end.text.c_str(),
                 simulation::write_script(run).c_str());
    std::abort();
  }
  return 0;
}
