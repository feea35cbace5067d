#pragma once

#include <string_view>
#include <utility>

#include "chinwag/handlers.hpp"

namespace chinwag {

// Calls the program's handlers. A shard without any asks two empty functions and goes on.
class program {
 public:
  explicit program(handlers called) : called_(std::move(called)) {}

  void opened(connection_handle who, std::string_view user);
  void closed(connection_handle who, std::string_view user, std::uint16_t code);

  bool asks_joins() const { return static_cast<bool>(called_.join); }
  bool asks_messages() const { return static_cast<bool>(called_.message); }

  // What the program says, and the request's number for a verdict that comes later.
  struct asked {
    verdict outcome;
    std::uint64_t number;
  };
  asked ask_join(connection_handle who, std::string_view user, std::string_view room);
  asked ask_message(connection_handle who, std::string_view user, std::string_view room,
                    std::string_view content);

  void end_turn();

 private:
  handlers called_;
  std::uint64_t numbers_ = 0;  // of requests asked about, ever
  bool called_this_turn_ = false;
};

}  // namespace chinwag
