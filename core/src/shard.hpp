#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "acceptor.hpp"
#include "context.hpp"
#include "flusher.hpp"
#include "gate.hpp"
#include "hooks.hpp"
#include "http_service.hpp"
#include "inbox.hpp"
#include "intake.hpp"
#include "lifecycle.hpp"
#include "outboxes.hpp"
#include "poller.hpp"
#include "program_calls.hpp"
#include "protocol.hpp"
#include "rooms.hpp"
#include "sender.hpp"
#include "timer_wheel.hpp"
#include "users.hpp"

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
  std::uint16_t port() const { return door_.port(); }

  // From now on post() and ask() take tasks.
  void begin() { tasks_.open(); }

  // Serves until stop, or until a drain is done. Returns how many connections were open at the end.
  std::uint32_t run();

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
  enum class wish : std::uint8_t { serve, drain, stop };

  void turn();
  void wait();
  void handle_events();
  void handle(const epoll_event& event);
  void flush();
  bool work_left() const;
  int timeout_ms() const;
  void follow_wish();
  bool done() const;
  void ring();
  void answer_bell();

  context shared_;
  hooks hooks_;
  poller events_;
  timer_wheel timers_;
  outboxes boxes_;
  rooms rooms_;
  users users_;
  sender sender_;
  lifecycle life_;
  protocol chat_;
  gate gate_;
  http_service http_;
  intake intake_;
  flusher flusher_;
  acceptor door_;
  program_calls calls_;
  inbox tasks_;

  // Events are handled in the order they came, over several turns if they are many.
  std::array<epoll_event, 1024> ready_{};
  std::size_t ready_count_ = 0;
  std::size_t ready_next_ = 0;

  int bell_ = -1;
  std::atomic<std::thread::id> thread_{};
  std::atomic<wish> wish_{wish::serve};
  std::atomic<std::uint32_t> drain_deadline_ms_{0};
  bool draining_ = false;
  tick_ms drain_since_ = 0;
};

}  // namespace chinwag
