#pragma once

#include <cstdint>
#include <string>

#include "script.hpp"
#include "simulation.hpp"

namespace simulation {

// Runs the script in a process of its own: also a crash and a run that hangs have an outcome.
outcome replay_apart(const script& run);

// The shortest script found that breaks the same rule: actions are left out as long as it does.
script shrink(const script& run, const std::string& rule, std::uint64_t seconds);

}  // namespace simulation
