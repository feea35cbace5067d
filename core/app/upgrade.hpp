#pragma once

#include <sys/types.h>

#include <string>
#include <thread>
#include <vector>

#include "chinwag/server.hpp"

namespace chinwagd {

// The channel to the process that this one is to go on for; -1 if there is none.
int channel_to_predecessor();

// At SIGUSR2 starts the program anew, from where it lies now and with the same arguments, and hands
// all connections over to it. Whatever goes wrong, this process goes on as before, and its log says
// what it was. SIGUSR2 must be blocked in all threads.
class upgrader {
 public:
  upgrader(chinwag::server& server, char** arguments);
  ~upgrader();
  upgrader(const upgrader&) = delete;
  upgrader& operator=(const upgrader&) = delete;

 private:
  void wait_for_signals();
  void upgrade();

  chinwag::server& server_;
  char** arguments_;
  std::string program_;
  int signals_ = -1;
  int stop_ = -1;
  std::thread thread_;
};

// `chinwagd upgrade`: asks the server in that process, and waits until its successor serves.
// Returns the exit code.
int ask_for_upgrade(pid_t server);

}  // namespace chinwagd
