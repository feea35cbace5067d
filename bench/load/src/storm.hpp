#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "crowd.hpp"
#include "storm_result.hpp"

namespace chinwag::load {

// Every member's connection ends at once, without a goodbye, as when a network fails; all connect
// again at once, under their names, and join their rooms. Nothing spares the server: how many are
// on their way at a time is bounded by nothing but the generator's own speed.
class storm : public activity {
 public:
  storm(load::crowd& crowd, double timeout_s);

  bool done() const override { return settled_ == order_.size(); }
  storm_result result() const;

  void on_due(std::int64_t now_ns) override;
  void on_text(std::uint32_t connection, std::string_view payload, std::size_t wire_bytes,
               std::int64_t now_ns) override;
  void on_end(std::uint32_t connection, const ending& why) override;

 private:
  void disconnect_all();
  void start_more();
  void give_up();
  void join_all(std::uint32_t connection);
  void settle(std::uint32_t connection, std::int64_t now_ns);

  std::vector<std::uint32_t> order_;
  std::vector<std::uint32_t> entered_;  // by connection: rooms that it is back in
  std::vector<std::int64_t> cut_ns_;    // by connection: when it was ended; 0 once it is settled
  std::size_t next_ = 0;
  std::size_t settled_ = 0;
  std::int64_t begin_ns_;
  std::int64_t end_ns_ = 0;  // of the last that was settled
  std::int64_t give_up_ns_;
  double cpu_s_;
  storm_result result_;
};

}  // namespace chinwag::load
