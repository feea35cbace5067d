#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <mutex>
#include <string>
#include <thread>

#include "chinwag/server.hpp"

namespace chinwagd {

// The channel to the process that this one is to go on for; -1 if there is none.
int channel_to_predecessor();

// At SIGUSR2 starts the program anew, by the path that it was started by and with the same
// arguments, and hands all connections over to it. Whatever goes wrong, this process goes on as
// before, and its log says what it was. SIGUSR2 must be blocked in all threads.
class upgrader {
 public:
  upgrader(chinwag::server& server, char** arguments);
  ~upgrader();
  upgrader(const upgrader&) = delete;
  upgrader& operator=(const upgrader&) = delete;

  // Whatever may fail of it.
  void prepare();
  // From now on it waits for the signal, and keeps the descriptors that an upgrade needs: it is
  // possible, too, when clients have all others.
  void begin();
  // Ends what is under way, and returns the process that serves now; 0 if there is none.
  pid_t finish();

 private:
  void reserve();
  void read_requests();
  void wait_for_signals();
  bool try_to_upgrade();
  bool upgrade();
  bool hand_over_to(pid_t successor);
  void pass_on_another_request() const;
  void close_channel();

  chinwag::server& server_;
  char** arguments_;
  std::string program_;
  int signals_ = -1;
  int stop_ = -1;
  std::atomic_flag begun_;              // requests are read
  std::mutex mutex_;                    // of the channel's descriptors
  std::array<int, 2> channel_{-1, -1};  // of the next upgrade, or of the one under way
  pid_t successor_ = 0;
  std::thread thread_;
};

}  // namespace chinwagd
