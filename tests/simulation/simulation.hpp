#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bounds.hpp"
#include "chinwag/options.hpp"
#include "host_program.hpp"
#include "loop/shard.hpp"
#include "oracle.hpp"
#include "script.hpp"
#include "simulated_kernel.hpp"
#include "trace.hpp"

namespace simulation {

struct setup {
  chinwag::options limits{};
  kernel_habits kernel{};
  program_habits program{};
  std::uint64_t seed = 0;
};

// Settings by name: of the server, `kernel.NAME`, `program.NAME`, `seed`. False for one that does
// not exist.
bool read_setup(const std::map<std::string, std::string>& settings, setup& made,
                std::string& problem);

// A shard on a simulated kernel, its clients and its program, and the oracle that watches them.
class run_of_shard {
 public:
  run_of_shard(const setup& made, trace& log);
  ~run_of_shard();

  void apply(const action& one);
  // Ends the shard as an `end` action of this kind does; no action is applied after it.
  void finish(std::uint64_t kind);
  bool over() const { return over_ || trace_.violated(); }

  // For a generator: who is there.
  struct view {
    connection_number number = 0;
    bool connected = false;
  };
  const oracle& judge() const { return oracle_; }
  std::vector<connection_number> clients() const;
  bool program_owes() const { return program_.anything_waits(); }

 private:
  struct client {
    connection_number number = 0;
    std::uint64_t rate = UINT64_MAX;  // bytes read after each turn
    std::uint64_t manners = 3;
    bool sent_close = false;
    bool saw_end = false;
    std::uint64_t progress_us = 0;
    std::uint64_t stalled_us = 0;
    std::uint64_t received = 0;  // by the server, up to the last turn
    bool gone = false;
  };

  void act(const action& one);
  void connect(const action& one);
  void write(client& from, std::string_view bytes);
  void turn(std::uint64_t seed, bool calm, std::uint64_t patience_us);
  void read(client& to);
  void learn_name(connection_number number);
  void respond(client& to, const server_frame& frame);
  void report(bool rested);
  void check_turn();
  void check_bounds();
  void check_stalled(client& of, const link& at, bool blocked);
  void settle(std::uint64_t seed);
  bool rest(std::uint64_t seed, std::uint64_t least_us);
  void check_lists(std::uint64_t seed);
  void check_gone();
  void silence(std::uint64_t seed);
  void drain(std::uint64_t seed);
  void ask_to_drain();
  void ask_to_stop();
  void hand_over();
  void present();
  void begin_successor();
  void conclude();
  client* find(connection_number number);
  link* link_of(connection_number number) { return kernel_.find(number); }

  const setup setup_;
  trace& trace_;
  simulated_kernel kernel_;
  oracle oracle_;
  bounds bounds_;
  host_program program_;
  std::unique_ptr<chinwag::shard> shard_;
  std::unique_ptr<chinwag::shard> successor_;  // to which descriptors went ahead
  std::map<connection_number, client> clients_;
  std::uint64_t unix_least_ = 0;
  std::uint64_t unix_most_ = 0;
  std::uint64_t idle_turns_ = 0;
  std::uint64_t turn_ended_us_ = 0;
  bool over_ = false;         // the shard is to take no further turn
  bool drain_asked_ = false;  // or a stop
  bool stopped_ = false;
  bool concluded_ = false;
};

// The outcome of a run.
struct outcome {
  std::uint64_t hash = 0;
  std::uint64_t events = 0;
  std::string rule{};  // that was broken; empty if none was
  std::string text{};
};

outcome replay(const script& run, bool loud = false);
// Draws a run of about so many actions while it goes on; `run` is then the script of it.
outcome explore(choices source, std::uint64_t seed, std::uint64_t actions, script& run);

}  // namespace simulation
