#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/requests.hpp"
#include "chinwag/server.hpp"
#include "connection/lifecycle.hpp"
#include "state/context.hpp"
#include "state/outboxes.hpp"
#include "state/rooms.hpp"

namespace chinwag {

// What other threads want done on the shard's. Tasks run in the order in which they were put in.
class task_queue {
 public:
  // False: it can't be done yet, and is tried again before those behind it.
  using task = std::function<bool()>;

  explicit task_queue(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // What a task costs while it waits. What is free is taken however much waits.
  static constexpr std::size_t free = 0;

  enum class outcome : std::uint8_t {
    taken,
    taken_first,  // the shard must be woken
    full,         // tasks of `bytes_max` wait
    closed,       // the shard does not run, or not any more
  };
  outcome put(task wanted, std::size_t cost);

  // From now on tasks are taken.
  void open();
  // Runs what waits, in order, until `enough` says that the rest has to wait for the next call.
  void run(const std::function<bool()>& enough);
  // Whether an earlier run() left some. On the shard's thread.
  bool work_left() const { return !taken_.empty(); }
  // Whether the first of those could not be done yet: trying again at once is of no use.
  bool held_up() const { return held_up_; }
  // Runs what still waits and takes nothing more: whoever waits for an answer gets one.
  void close();
  // Drops what waits and takes nothing more: tasks go without having run.
  void abandon();

 private:
  struct entry {
    task wanted;
    std::size_t cost;
  };

  void take(bool last);

  std::mutex guard_;
  const std::size_t bytes_max_;
  std::vector<entry> tasks_;
  std::atomic<std::size_t> bytes_{0};  // of all that wait
  bool open_ = false;
  std::deque<entry> taken_;  // used by the shard's thread only, as is
  bool held_up_ = false;
};

// What the program asks of a shard, on the shard's thread. Texts are checked before they come here;
// contents are JSON text.
class program_calls {
 public:
  program_calls(context& shared, outboxes& outboxes, rooms& rooms, lifecycle& lifecycle,
                protocol& protocol, requests& requests)
      : shared_(shared),
        outboxes_(outboxes),
        rooms_(rooms),
        lifecycle_(lifecycle),
        protocol_(protocol),
        requests_(requests) {}

  // Whether the call before could not be served yet, because its room can't keep up.
  bool take_refused() { return std::exchange(refused_, false); }

  void publish(std::string_view room, std::string_view content, std::string_view user);
  void send_to(std::string_view to, std::string_view content, std::string_view user);
  // Neither does anything for a connection that is gone or going.
  bool is_open(connection_handle who) const { return shared_.find_chatting(who) != no_id; }
  void send(connection_handle to, std::string_view content, std::string_view user);
  void close(connection_handle who, std::uint16_t code);
  void decide(std::span<decision> decisions);
  std::vector<room_info> list_rooms() const;
  std::vector<member_info> list_members(std::string_view room) const;

 private:
  context& shared_;
  outboxes& outboxes_;
  rooms& rooms_;
  lifecycle& lifecycle_;
  protocol& protocol_;
  requests& requests_;
  bool refused_ = false;
};

}  // namespace chinwag
