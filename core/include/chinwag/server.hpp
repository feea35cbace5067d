#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "chinwag/error.hpp"
#include "chinwag/options.hpp"
#include "chinwag/stats.hpp"

namespace chinwag {

enum class log_level : std::uint8_t { info, warning };

// Called on the thread that runs the server, a few times in its life.
using log_callback = std::function<void(log_level level, std::string_view text)>;

struct listen_result {
  status outcome;
  std::uint16_t port = 0;  // the one that was bound, also where options.port was 0

  explicit operator bool() const { return static_cast<bool>(outcome); }
};

// A chat/1 server inside this process. It uses no signals and no global state: several may live
// side by side. A server is used from one thread, but for what says otherwise.
//
//   chinwag::server server({.port = 0});
//   if (auto listening = server.listen()) server.run_in_background();
class server {
 public:
  explicit server(options settings, log_callback log = {});
  // Stops at once if it still runs in the background.
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  // Binds the port; from now on the system takes connections.
  listen_result listen();

  // Serves on this thread until stop() or until a drain is done.
  status run();

  // Serves on a thread of its own.
  status run_in_background();

  // Waits for the end of a run in the background.
  void join();

  // Ends at once; connections are reset. From any thread or a signal handler.
  void stop();

  // Stops accepting, closes every connection with 1012 once its open frame is out, and ends when
  // all are gone or at the deadline. From any thread or a signal handler.
  void drain(std::chrono::milliseconds deadline);

  // From any thread.
  stats read_stats() const;

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace chinwag
