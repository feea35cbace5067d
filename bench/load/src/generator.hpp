#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "connecting.hpp"
#include "crowd.hpp"
#include "hold_result.hpp"
#include "profile.hpp"
#include "storm_result.hpp"
#include "watch.hpp"

namespace chinwag::load {

struct generator_options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 4000;
  std::vector<std::pair<std::string, std::uint16_t>> also;  // hosts and ports of further nodes
  load::protocol protocol = load::protocol::websocket;
  std::uint32_t sources = 0;  // 0: as many as the connections need
  std::string name;           // starts the names of users and rooms
  std::uint64_t seed = 1;
  double answer_timeout_s = 10;  // to a connection or a join
  std::uint32_t check_every = 64;
};

struct hold_request {
  double messages_per_s = 0;
  double warmup_s = 1;
  double hold_s = 4;
  double drain_s = 1;
  std::uint32_t parse_every = 0;  // of so many connections one is parsed; 0: as the load needs
  double start_s = 0;             // of the warm-up, on CLOCK_MONOTONIC; 0: soon
  std::string hdr_path;           // empty: no log
  std::string label = "hold";
};

struct watch_report {
  std::size_t events;
  std::vector<std::string> builds;  // that answered, in the order in which they were met
};

struct hold_events {
  std::function<void()> on_begin = [] {};
  std::function<void()> on_end = [] {};
};

// What is wrong with a label of holds in a histogram log; empty when nothing is.
std::string label_fault(const std::string& label);

// The parts of a run, in the order in which the caller wants them.
class generator {
 public:
  generator(const generator_options& options, const profile& profile);

  // Adds connections until `total` are open. Throws `failure` when not even one could be opened.
  connect_result connect(std::uint32_t total);
  // Answers how many joined. Throws `failure` when the server left joins unanswered.
  std::uint32_t join();
  hold_result hold(const hold_request& request, const hold_events& events);
  // Appends the last hold's delays to the log that it asked for, if any: after its result was told,
  // which a full disk must not lose. Throws `failure`.
  void log(const hold_request& request, const hold_result& result) const;
  void rest(double seconds);
  // Everyone's connection ends and comes back at once; who isn't back by then counts as refused.
  storm_result storm(double timeout_s);
  // Keeps a load while the server meets with a fault, or is upgraded, and writes down what happens.
  // Throws `failure`.
  watch_report watch(watch_plan plan, const std::string& log_path);
  // Ends connections, the last ones first, until `total` are open. Answers how many are.
  std::uint32_t disconnect(std::uint32_t total);

  load::crowd& crowd() { return crowd_; }

 private:
  generator_options options_;
  load::profile profile_;
  load::crowd crowd_;
  std::uint16_t holds_ = 0;
  double began_s_ = 0;  // of the last hold's window, since the epoch
};

}  // namespace chinwag::load
