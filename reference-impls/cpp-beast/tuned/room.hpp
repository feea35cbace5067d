#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "frame_log.hpp"
#include "turn.hpp"

class connection;

/// A log of its frames, and the members that follow it. They are written together, once a turn: the
/// end of the log is in the processor's cache then.
class room : public news_source {
 public:
  void insert(connection* who);
  void erase(connection* who);
  bool empty() const { return members_.empty(); }
  void append(std::string_view text);

  void write_news() override;

 private:
  frame_log log_;
  std::uint64_t written_ = 0;  // so much of the log was given to the members
  std::vector<connection*> members_;
};
