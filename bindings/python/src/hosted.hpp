#pragma once

#include <pybind11/pybind11.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "chinwag/event_queue.hpp"
#include "chinwag/server.hpp"

namespace chinwag::python {

// A server behind a Python object. Its thread never takes the interpreter's lock: what it has to
// tell waits in a queue, and an eventfd becomes readable.
class hosted {
 public:
  hosted(const pybind11::dict& given, event_choice wanted);
  ~hosted();
  hosted(const hosted&) = delete;
  hosted& operator=(const hosted&) = delete;

  std::uint16_t start();
  void stop();
  // Nobody comes in any more; who is connected is served on.
  void stop_accepting();
  // Returns at once; when the server has ended, has_ended() is true and the descriptor readable.
  // Again it sets another deadline, from the first call on.
  void drain(std::uint32_t deadline_ms);
  bool has_ended() const { return ended_; }

  // The descriptor that is readable when take() has something.
  int wake_fd() const { return bell_; }
  // (kind, handle, number, user, room, content, code), in the order in which they happened. At
  // most so many that the program's loop gets to do something else; for the rest it rings again.
  pybind11::list take();
  bool has_more() const { return next_ < taken_.size(); }
  // (handle, number, kind, text, code)
  void decide(const pybind11::list& decisions);
  // (is a warning, text)
  pybind11::list take_logs();

  void publish(std::string_view room, std::string_view content, std::string_view user);
  void send_to(std::string_view to, std::string_view content, std::string_view user);
  void send(std::uint64_t handle, std::string_view content, std::string_view user);
  void close(std::uint64_t handle, std::uint16_t code);
  pybind11::dict rooms() const;
  pybind11::list members(std::string_view room) const;
  pybind11::dict read_stats() const;

 private:
  server& engine() const;
  void join();
  void ring() const;
  void log(log_level level, std::string_view text);

  int bell_ = -1;
  event_queue events_;
  std::vector<event> taken_;  // used by the program's thread only, as next_ is
  std::size_t next_ = 0;      // of those, the first that the program has not seen
  std::mutex guard_;
  std::vector<std::pair<bool, std::string>> logs_;
  const pid_t owner_ = ::getpid();
  std::atomic<bool> ended_{false};
  std::unique_ptr<server> server_;        // it ends before what it calls
  std::unique_ptr<std::thread> drainer_;  // waits for the end of a drain
};

}  // namespace chinwag::python
