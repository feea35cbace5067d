#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

#include "chinwag/handlers.hpp"

namespace chinwag {

// The longest content, of clients and programs alike, in bytes of UTF-8 (chat/1 rule F6).
inline constexpr std::size_t content_bytes_max = 65'536;

// Why a verdict's text can't go to clients; nullptr if it can.
const char* problem_of(const verdict& given);

// Calls the program's handlers. A shard without any asks two empty functions and goes on. What a
// handler throws ends here: `warn` is told, and what it was asked about is refused.
class program {
 public:
  using warning = std::function<void(std::string_view text)>;

  explicit program(handlers called, warning warn = {})
      : called_(std::move(called)), warn_(std::move(warn)) {}

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

  // For what waits as a request does that the program decides about later.
  std::uint64_t take_number() { return ++numbers_; }

  void end_turn();

 private:
  // Calls one, and returns what it returns, or `otherwise` if it throws.
  template <typename Result, typename Handler>
  Result guarded(const char* name, Result otherwise, Handler call);
  void failed(const char* name, const char* what);

  handlers called_;
  warning warn_;
  std::chrono::steady_clock::time_point warned_at_{};
  std::uint64_t failures_ = 0;  // of handlers since the last warning
  std::uint64_t numbers_ = 0;   // of requests asked about, ever
  bool called_this_turn_ = false;
};

}  // namespace chinwag
