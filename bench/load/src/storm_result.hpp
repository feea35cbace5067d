#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "histogram.hpp"

namespace chinwag::load {

// What one storm measured. `to_json` has the keys of `Storm` in bench/chinwag_bench/records.py.
struct storm_result {
  std::uint32_t connections = 0;  // that were cut
  std::uint32_t refused = 0;      // not back in their rooms, whatever the server answered
  std::string reason;             // of the first
  double begin_s = 0;             // on CLOCK_MONOTONIC, for processes that storm together
  double total_s = 0;             // until the last one was back, or given up
  double generator_cpu = 0;       // share of one core
  histogram rejoin;               // of who is back: from its own end until its own `user_joined`
};

nlohmann::ordered_json to_json(const storm_result& result);

}  // namespace chinwag::load
