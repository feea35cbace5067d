#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "chinwag/handlers.hpp"
#include "loop/shard.hpp"
#include "oracle.hpp"
#include "simulated_kernel.hpp"

namespace simulation {

// What the simulated program does. Weights are of its verdicts.
struct program_habits {
  std::uint32_t present = 0;  // it has handlers for open and close
  std::uint32_t asks_joins = 0;
  std::uint32_t asks_messages = 0;
  std::uint32_t accept = 60;
  std::uint32_t later = 20;
  std::uint32_t change = 10;
  std::uint32_t refuse = 5;
  std::uint32_t answer = 5;
  std::uint32_t growing = 100;   // per mille of changed texts that grow by JSON escaping
  std::uint32_t publishes = 20;  // per mille of the handlers' calls that publish, too
  std::uint64_t seed = 0;
};

// A program that hosts the shard: handlers that accept, change, refuse, answer, or decide later.
// What it says depends on the request alone, so that a shorter script meets the same verdicts.
class host_program {
 public:
  host_program(const program_habits& habits, oracle& judge, simulated_kernel& kernel, trace& log)
      : habits_(habits), oracle_(judge), kernel_(kernel), trace_(log) {}

  chinwag::handlers make_handlers();
  void serve_for(chinwag::shard& served) { shard_ = &served; }

  // Decides about one of those that wait; what was decided before may be decided again.
  void decide(std::uint64_t which, std::uint64_t how);
  void decide_all();
  bool anything_waits() const { return !waiting_.empty(); }

  void publish(const std::string& room, const std::string& user, const std::string& content);
  void send_to(const std::string& to, const std::string& user, const std::string& content);
  void send(connection_number to, const std::string& content);
  void kick(connection_number who, std::uint16_t code);

  // Tasks that the shard took and has not run yet.
  std::uint64_t owed() const { return posted_ - ran_; }
  bool post(std::function<void(chinwag::program_calls&)> task);

  // At the end: every connection that was opened was closed.
  void check_all_closed();

 private:
  struct request {
    chinwag::request_ticket ticket;
    connection_number from = 0;
    std::uint64_t hash = 0;
    bool join = false;
  };

  void opened(chinwag::connection_handle who, std::string_view user);
  void closed(chinwag::connection_handle who, std::string_view user);
  connection_number number_of(chinwag::connection_handle who) const;
  chinwag::verdict choose(const request& about, bool may_wait, std::uint64_t how);
  std::string text_for(const request& about, std::uint64_t how) const;
  answer_given told(const chinwag::verdict& given) const;
  void publish_now_and_then(const request& about, std::string_view room);

  const program_habits habits_;
  oracle& oracle_;
  simulated_kernel& kernel_;
  trace& trace_;
  chinwag::shard* shard_ = nullptr;
  std::map<chinwag::connection_handle, connection_number> open_;
  std::map<chinwag::connection_handle, connection_number> ever_;
  std::map<connection_number, chinwag::connection_handle> handles_;
  std::vector<request> waiting_;
  std::vector<request> decided_;
  std::uint64_t posted_ = 0;
  std::uint64_t ran_ = 0;
};

}  // namespace simulation
