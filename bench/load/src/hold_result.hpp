#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "histogram.hpp"
#include "tally.hpp"

namespace chinwag::load {

// What one hold measured. `to_json` has the keys of `Hold` in bench/chinwag_bench/records.py.
struct hold_result {
  double offered_messages_per_s = 0;
  double hold_s = 0;
  std::uint64_t sent = 0;
  std::uint64_t expected = 0;
  std::uint64_t delivered = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;
  std::uint64_t corrupted = 0;
  double deliveries_per_s = 0;
  std::vector<double> quarter_mean_ms;
  std::array<std::uint64_t, 4> quarter_deliveries{};
  std::int64_t outstanding_after_drain = 0;
  double generator_cpu = 0;
  double carried_s = 0;  // time under way that came into the window less what left it
  double outstanding_mean = 0;
  double outstanding_standard_error = 0;
  std::uint32_t outstanding_samples = 0;
  std::map<std::string, std::uint32_t> closes;
  std::uint64_t received = 0;    // deliveries, the warm-up's included
  std::uint64_t wire_bytes = 0;  // of them
  std::uint64_t parsed = 0;      // deliveries of the window that were read whole
  double bin_s = 0;
  std::vector<delay_bin> bins;
  histogram service;  // actual send to the kernel's receive stamp, of some reads
  histogram latency;
  histogram send_lag;
  histogram receive_lag;

  std::uint64_t lost() const { return expected - delivered; }
  double messages_per_s() const { return static_cast<double>(sent) / hold_s; }
  double wire_bytes_per_delivery() const;

  // Which of its own limits the generator met: then the load is a lower bound of what the server
  // can do.
  std::vector<std::string> generator_limits() const;

  // Delivered in full, once, in order, intact, with every connection there.
  bool is_sound() const;
};

nlohmann::ordered_json to_json(const hold_result& result);

// What `to_json` leaves out and who adds up the results of several processes needs.
nlohmann::ordered_json parts_json(const hold_result& result);

}  // namespace chinwag::load
