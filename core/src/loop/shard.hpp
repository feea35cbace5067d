#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "chat/http_service.hpp"
#include "chat/protocol.hpp"
#include "chat/requests.hpp"
#include "connection/flusher.hpp"
#include "connection/lifecycle.hpp"
#include "connection/poller.hpp"
#include "connection/sender.hpp"
#include "connection/timer_wheel.hpp"
#include "host/program.hpp"
#include "loop/acceptor.hpp"
#include "loop/program_calls.hpp"
#include "loop/receiver.hpp"
#include "state/context.hpp"
#include "state/outboxes.hpp"
#include "state/rooms.hpp"
#include "state/users.hpp"

namespace chinwag {

// One loop of one thread, its connections and its rooms. It uses nothing of the process but the
// descriptors that it opens: any number may live in one program.
class shard {
 public:
  shard(const options& settings, const hash_key& key, handlers called);
  ~shard();
  shard(const shard&) = delete;
  shard& operator=(const shard&) = delete;

  status listen();
  std::uint16_t port() const { return acceptor_.port(); }

  // From now on post() and ask() take tasks.
  void begin() { tasks_.open(); }

  // Serves until stop, or until a drain is done. Returns how many connections were open at the end.
  std::uint32_t run();

  // What run() is made of: one turn of the loop, false once it is to end; and the end.
  bool step();
  std::uint32_t end();

  // From any thread, and from a signal handler: they store and write to an eventfd, no more.
  void stop();
  void drain(std::uint32_t deadline_ms);

  stats read() const { return shared_.counts.read(); }

  using task = std::function<void(program_calls&)>;
  // From any thread: does it in the next turn. False if the shard does not run.
  bool post(task wanted);
  // Does it and waits for the end of it; at once on the shard's own thread.
  bool ask(const task& wanted);

 private:
  enum class command : std::uint8_t { serve, drain, stop };

  void turn();
  std::uint32_t wait();
  void handle_events();
  void handle(const kernel::event& event);
  void flush();
  bool work_left() const;
  int timeout_ms() const;
  void follow_command();
  bool done() const;
  void ring();
  void answer_wakeup();
  void run_tasks();

  context shared_;
  program program_;
  poller poller_;
  timer_wheel timers_;
  outboxes outboxes_;
  rooms rooms_;
  users users_;
  sender sender_;
  lifecycle lifecycle_;
  protocol protocol_;
  requests requests_;
  http_service http_;
  receiver receiver_;
  flusher flusher_;
  acceptor acceptor_;
  program_calls calls_;
  task_queue tasks_;

  // Events are handled in the order they came, over several turns if they are many.
  std::array<kernel::event, 1024> ready_{};
  std::size_t ready_count_ = 0;
  std::size_t ready_next_ = 0;

  int wakeup_ = -1;
  std::atomic<std::thread::id> thread_{};
  std::atomic<command> command_{command::serve};
  std::atomic<std::uint32_t> drain_deadline_ms_{0};
  bool draining_ = false;
  tick_ms drain_since_ = 0;
};

}  // namespace chinwag
