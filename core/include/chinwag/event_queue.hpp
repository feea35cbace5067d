#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "chinwag/handlers.hpp"

namespace chinwag {

enum class event_kind : std::uint8_t { open, join, message, close };

// Something that happened on a server, kept for another thread. For a join or a message a decision
// with its ticket is due.
struct event {
  event_kind kind{};
  request_ticket ticket{};
  std::string user{};
  std::string room{};      // of a join or a message
  std::string content{};   // of a message
  std::uint16_t code = 0;  // of a close
};

// The events that a program wants to have.
struct event_choice {
  bool open = false;
  bool join = false;
  bool message = false;
  bool close = false;

  bool any() const { return open || join || message || close; }
};

// Takes a server's events to a thread of the program, in the order in which they happened. They
// cross in batches: at most one wake-up a turn of the server's loop.
//
//   chinwag::event_queue events([] { ring(); });
//   chinwag::server server({.port = 0}, {}, events.make_handlers({.message = true}));
//   // on the program's thread, when it rang:
//   for (chinwag::event& one : events.take()) decisions.push_back({one.ticket, judge(one)});
//   server.decide(std::move(decisions));
class event_queue {
 public:
  // `wake` is called on the server's thread when there is something to take and was nothing before.
  // With more than `bytes_max` waiting, joins and messages are refused with `unavailable`: a
  // program that does not keep up costs its users, not its memory. It hears of a connection that
  // opened meanwhile before the first of its requests that is asked about again, and not at all of
  // one that had none. A close follows for every open that it heard of; without opens, closes are
  // dropped as well.
  explicit event_queue(std::function<void()> wake, std::size_t bytes_max = 128 * 1024 * 1024)
      : wake_(std::move(wake)), bytes_max_(bytes_max) {}
  event_queue(const event_queue&) = delete;
  event_queue& operator=(const event_queue&) = delete;

  // Handlers for one server, which must end before this queue does.
  handlers make_handlers(event_choice wanted);

  // Everything that waits. From any thread.
  std::vector<event> take();

 private:
  bool has_room(std::size_t bytes) const { return bytes_ + bytes <= bytes_max_; }
  void gather(event happened);
  void gather_open(connection_handle who, std::string_view user);
  void gather_close(event happened, event_choice wanted);
  verdict gather_request(event happened);
  void hand_over();

  std::function<void()> wake_;
  const std::size_t bytes_max_;
  std::atomic<std::size_t> bytes_{0};  // of what was not taken yet
  // These two are used by the server's thread only.
  std::vector<event> gathered_;                    // in this turn
  std::unordered_set<std::uint64_t> unannounced_;  // connections whose open found no room
  std::mutex guard_;
  std::vector<event> ready_;
};

}  // namespace chinwag
