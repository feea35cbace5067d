#pragma once

#include <cstdint>
#include <vector>

#include "crowd.hpp"

namespace chinwag::load {

// Everyone who is in no room joins its rooms. Done when every member has seen every `user_joined`
// that it should: then no join is under way any more that could disturb what is measured next.
class joining : public activity {
 public:
  joining(load::crowd& crowd, double answer_timeout_s);

  bool done() const override;
  // Connections, each with all of its rooms.
  std::uint32_t joined() const { return joined_; }
  std::uint32_t wanted() const { return wanted_; }

  void on_due(std::int64_t now_ns) override;
  void on_text(std::uint32_t connection, std::string_view payload, std::size_t wire_bytes,
               std::int64_t now_ns) override;
  void on_end(std::uint32_t connection, const ending& why) override;

 private:
  void plan();
  void start_more();
  bool may_start() const;

  struct seat {
    std::uint32_t connection;
    std::uint32_t slot;
  };

  std::vector<seat> order_;
  std::vector<std::uint32_t> audience_;  // of each in that order: to how many it is announced
  std::vector<std::uint32_t> awaited_;   // by connection: own `user_joined` that have not come yet
  std::vector<std::uint32_t> entered_;   // by connection: rooms
  std::size_t next_ = 0;
  std::uint32_t in_flight_ = 0;
  std::uint32_t joined_ = 0;
  std::uint32_t wanted_ = 0;
  std::uint64_t announcements_expected_ = 0;
  std::uint64_t announcements_ = 0;
  std::uint64_t announcements_due_ = 0;  // of those that were sent
  bool exact_ = true;                    // nobody left, who would not get theirs
  std::int64_t patience_ns_;
  std::int64_t give_up_ns_;
  bool gave_up_ = false;
};

}  // namespace chinwag::load
