#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "faults.hpp"
#include "frames.hpp"

namespace chinwag::floor {

struct server_options {
  std::uint16_t port = 4000;
  std::uint32_t frames_per_write = 16;  // a room's messages wait until there are so many
  double wait_ms = 5;                   // but no longer than this
  double ping_s = 30;
  fault_plan::periods faults{};
  std::uint64_t faults_from = 0;  // deliveries
};

// What chinwag-load asks of a chat/1 server and nothing more, on one thread: rooms whose messages
// are copied once, put together, and sent to each member in one call, so that this server costs
// little more than the kernel does. It believes whatever it reads.
class server {
 public:
  explicit server(const server_options& options);
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  [[noreturn]] void run();

 private:
  struct held_frame {
    std::string bytes;
    std::string sender;  // with the room: what may overtake it
    std::int64_t since_ns;
  };
  struct connection {
    int fd = -1;
    bool upgraded = false;
    bool writable_awaited = false;
    bool is_cut = false;   // ends amid a delivery, which is the last that it is given
    bool is_shut = false;  // after what it was given
    std::string user;
    std::string received;
    std::string waiting;  // for room in the socket
    std::string outbox;   // until the end of the turn
    std::vector<std::string> rooms;
    std::deque<held_frame> held;
  };
  struct room {
    std::vector<int> members;  // descriptors
    std::string pending;
    std::vector<std::pair<std::size_t, std::string>> frames;  // end in `pending`, sender
    std::int64_t since_ns = 0;
  };

  void serve(int fd, std::uint32_t events);
  void accept_all();
  void read(connection& from);
  void serve_http(connection& from);
  void serve_frames(connection& from);
  void serve_text(connection& from, std::string_view text);
  void join(connection& who, const std::string& name);
  void publish(connection& from, std::string_view name, std::string_view content);
  void send_direct(connection& from, const std::string& to, std::string_view content);
  void flush(room& full);
  void flush_due();
  void deliver(connection& to, std::string_view frame, const std::string& sender, std::string& out);
  void release_held(std::int64_t now_ns);
  void put(connection& to, std::string_view bytes);
  void write(connection& to, std::string_view bytes);
  void end(connection& ended);
  void ping_all();
  std::string status() const;

  server_options options_;
  fault_plan faults_;
  int listener_;
  int poller_;
  std::unordered_map<int, connection> connections_;
  std::unordered_map<std::string, int> users_;
  std::unordered_map<std::string, room> rooms_;
  std::vector<room*> waiting_rooms_;
  std::vector<int> outboxes_;
  std::uint64_t pings_ = 0;
  std::uint64_t pongs_ = 0;
};

}  // namespace chinwag::floor
