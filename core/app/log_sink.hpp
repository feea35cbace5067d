#pragma once

#include <poll.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <string>

namespace chinwagd {

// Standard error, where it takes a line at once. A pipe that is full, because its reader stands
// still, would hold up the thread that serves: the line is dropped, and the next one says so.
class patient_sink final : public spdlog::sinks::stderr_color_sink_mt {
 public:
  void log(const spdlog::details::log_msg& line) override {
    pollfd log{STDERR_FILENO, POLLOUT, 0};
    if (::poll(&log, 1, 0) == 0) {
      ++dropped_;
      return;
    }
    if (const std::uint64_t dropped = dropped_.exchange(0); dropped > 0) {
      const std::string text = "lines of this log that nobody took in: " + std::to_string(dropped);
      spdlog::details::log_msg told = line;
      told.level = spdlog::level::warn;
      told.payload = text;
      base::log(told);
    }
    base::log(line);
  }

 private:
  using base = spdlog::sinks::stderr_color_sink_mt;

  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace chinwagd
