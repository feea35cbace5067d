#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "crowd.hpp"

namespace chinwag::load {

struct connect_result {
  std::uint32_t opened = 0;
  std::uint32_t refused = 0;
  std::string reason;  // of the first refusal
};

// Opens connections, a bounded number at a time, until there are `count` or the server refuses too
// many.
class connecting : public activity {
 public:
  connecting(load::crowd& crowd, std::uint32_t count, double timeout_s);

  bool done() const override { return wanted_ == 0 && opening_.empty(); }
  const connect_result& result() const { return result_; }

  void on_due(std::int64_t now_ns) override;
  void on_open(std::uint32_t connection) override;
  void on_text(std::uint32_t connection, std::string_view payload, std::size_t wire_bytes,
               std::int64_t now_ns) override;
  void on_end(std::uint32_t connection, const ending& why) override;

 private:
  struct attempt {
    std::uint32_t connection;
    std::int64_t deadline_ns;
    bool settled;
  };

  void start_more(std::int64_t now_ns);
  bool settle(std::uint32_t connection);

  std::uint32_t wanted_;  // still to be started
  std::uint32_t in_flight_ = 0;
  std::int64_t timeout_ns_;
  std::deque<attempt> opening_;  // in the order started; settled ones leave at the front
  connect_result result_;
};

}  // namespace chinwag::load
