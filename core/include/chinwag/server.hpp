#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chinwag/backplane.hpp"
#include "chinwag/error.hpp"
#include "chinwag/handlers.hpp"
#include "chinwag/options.hpp"
#include "chinwag/stats.hpp"

namespace chinwag {

enum class log_level : std::uint8_t { info, warning };

// Called on the thread that runs the server: a few times in its life, and at most once a second
// while handlers throw.
using log_callback = std::function<void(log_level level, std::string_view text)>;

struct listen_result {
  status outcome;
  std::uint16_t port = 0;  // the one that was bound, also where options.port was 0

  explicit operator bool() const { return static_cast<bool>(outcome); }
};

struct room_info {
  std::string name;
  std::uint32_t members = 0;
};

struct member_info {
  connection_handle connection{};
  std::string user;
};

// A chat/1 server inside this process. It uses no signals and no global state: several may live
// side by side. A server is used from one thread, but for what says otherwise.
//
//   chinwag::server server({.port = 0});
//   if (auto listening = server.listen()) server.run_in_background();
class server {
 public:
  // With a backplane it is a node of a cluster, else it stands alone.
  explicit server(options settings, log_callback log = {}, handlers called = {},
                  std::unique_ptr<backplane> line = {});
  // Stops at once if it still runs in the background, and waits for the end; a handler that drops
  // the server ends it with its turn.
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  // Binds the port; from now on the system takes connections.
  listen_result listen();

  // Instead of listen(), in a process that is to go on for another one: takes over its connections
  // and its port. `channel` is an end of a stream socket pair, whose other end the predecessor
  // gives to hand_over(). Names of connections (connection_handle) are others than before. The
  // port, its address and its queue are those that the predecessor listens with. `ready` is called
  // last: where it fails, the predecessor goes on, as it does after any other failure.
  listen_result take_over(int channel, const std::function<status()>& ready = {});

  // Serves on this thread until stop() or until a drain is done. out_of_memory: every connection
  // was reset, and who waits for an answer of this server gets not_running.
  status run();

  // Serves on a thread of its own.
  status run_in_background();

  // Waits for the end of a run in the background. In a handler it does nothing.
  void join();

  // Ends at once; connections are reset. From any thread or a signal handler.
  void stop();

  // Takes no new connections from now on, and frees the port; those that are there are served as
  // before. For a program that finishes something before it drains. From any thread or a signal
  // handler.
  void stop_accepting();

  // Stops accepting, closes every connection with 1012 once its open frame is out, and ends when
  // all are gone or at the deadline: none if it is negative, never if it is longer than 24 days.
  // From any thread or a signal handler.
  void drain(std::chrono::milliseconds deadline);

  // Hands all connections over to the process at the other end of `channel`, which does
  // take_over(). Nobody is closed, and nothing is lost. run() ends with it. Where that fails, this
  // server goes on as before, and the other process must be ended before it serves. While requests
  // wait for a program's verdicts, and in a drain, it can't be done. Waits for the end of it; from
  // any thread but the one that serves.
  status hand_over(int channel);

  // From any thread.
  stats read_stats() const;

  // From any thread, handlers included. They are served in the order of their calls, in the loop's
  // next turns. Before run() and after its end: not_running. When options::calls_bytes_max of them
  // wait: too_many_calls.

  // Appends a message to a room. A room without members has nobody to hear it.
  status publish(std::string_view room, std::string_view content,
                 std::string_view user = program_name);
  // A direct message to every connection of a user; a user without any has nobody to hear it.
  status send_to(std::string_view to, std::string_view content,
                 std::string_view user = program_name);
  // The verdicts that handlers left for later, each once. Those for connections that are gone are
  // dropped. bad_content: one whose text is too long or not UTF-8 became a refusal with
  // `unavailable`; the others are served as given. Never too_many_calls: what was asked about waits
  // for its verdict.
  status decide(std::vector<decision> decisions);

  // These wait for the loop, which takes at most a turn (options::turn_us) and then their time.

  // A direct message to one connection; connection_closed if it is gone.
  status send(connection_handle to, std::string_view content, std::string_view user = program_name);
  // Closes one connection once what waits for it is sent; connection_closed if it is gone.
  status close(connection_handle who, std::uint16_t code = 1000);
  // The rooms that have members.
  status list_rooms(std::vector<room_info>& found) const;
  // The members of a room; none if there is no such room.
  status list_members(std::string_view room, std::vector<member_info>& found) const;

 private:
  struct parts;
  status check_open(connection_handle who) const;
  bool is_own_thread() const;
  std::shared_ptr<parts> parts_;
};

}  // namespace chinwag
