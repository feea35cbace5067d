#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <semaphore>
#include <span>
#include <thread>

#include "chat/http_service.hpp"
#include "chat/protocol.hpp"
#include "chat/requests.hpp"
#include "chinwag/backplane.hpp"
#include "cluster/cluster.hpp"
#include "connection/flusher.hpp"
#include "connection/lifecycle.hpp"
#include "connection/poller.hpp"
#include "connection/sender.hpp"
#include "connection/timer_wheel.hpp"
#include "handover/handover.hpp"
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
  // `warn` is told on the shard's thread what a person should know.
  // Without a `line` to others it stands alone.
  shard(const options& settings, const hash_key& key, handlers called, program::warning warn = {},
        std::unique_ptr<backplane> line = {});
  ~shard();
  shard(const shard&) = delete;
  shard& operator=(const shard&) = delete;

  status listen();
  // Instead of listen(): goes on with what a predecessor has written. Where that fails, the
  // connections are let go. Descriptors that come ahead are expected first.
  status expect(std::span<const int> descriptors);
  status inherit(const image& from);
  std::uint16_t port() const { return acceptor_.port(); }
  std::string address() const { return acceptor_.address(); }

  // From now on post() and ask() take tasks.
  void begin() { tasks_.open(); }
  // After a begin() that no run() follows.
  void give_up() { tasks_.abandon(); }

  // Serves until stop, until a drain is done, or until something is thrown: then every connection
  // is reset, and the outcome says why. `left` is how many connections were open at the end.
  status run(std::uint32_t& left);

  // Between two turns, before write(): descriptors go ahead of the state, some at a time, as long
  // as there are `more`; from the beginning if it is the `first` time.
  status present(const handover::offer& give, bool first, bool& more);
  // Between two turns: what a successor needs. The shard may go on as if nothing had happened, or
  // let go: then the connections are the successor's, and the shard has none. Throws as a turn
  // does, and then the shard must not go on.
  status write(image& into);
  void let_go();

  // From any thread: in the next turn, gives its state away, and ends if `give` answers that a
  // successor serves. Waits for that.
  using give_state = std::function<status(const image&)>;
  status hand_over(give_state give);
  bool handed_over() const { return handed_over_; }

  // What run() is made of: one turn of the loop, false once it is to end; and the end.
  bool step();
  std::uint32_t end();

  // From any thread, and from a signal handler: they store and write to an eventfd, no more.
  void stop();
  void stop_accepting();
  void drain(std::uint32_t deadline_ms);

  stats read() const { return shared_.counts.read(); }

  using task = std::function<void(program_calls&)>;
  // From any thread: does it in the next turn. `cost` is what it holds, in bytes.
  status post(task wanted, std::size_t cost = task_queue::free);
  // Does it and waits for the end of it; at once on the shard's own thread.
  status ask(const task& wanted);

  bool is_own_thread() const;
  // Whether a drain was begun and nobody asked for more haste since.
  bool draining() const { return draining_ && command_.load() != command::stop; }

  static constexpr std::uint32_t no_deadline = UINT32_MAX;

 private:
  enum class command : std::uint8_t { serve, drain, stop };

  bool open_poller();
  void turn();
  std::uint32_t wait();
  void handle_events();
  void handle(const kernel::event& event);
  void reap();
  void flush();
  bool work_left() const;
  int timeout_ms() const;
  void follow_command();
  bool done() const;
  std::uint32_t break_down() noexcept;
  void ring();
  void answer_wakeup();
  void run_tasks();
  void give_away();
  const char* not_yet() const;
  status settle();
  status copy(image& into);
  status read_image(const image& from);

  // Somebody waits for the end of it.
  struct request_to_give {
    give_state give;
    std::uint64_t since_us = 0;  // it is waited for what can't be left behind; 0: not yet
    status outcome{error::not_running, "the server ended before it could hand over"};
    std::binary_semaphore done{0};
  };

  context shared_;
  program program_;
  poller poller_;
  timer_wheel timers_;
  outboxes outboxes_;
  rooms rooms_;
  users users_;
  kernel_outlet sockets_;
  sender sender_;
  lifecycle lifecycle_;
  protocol protocol_;
  requests requests_;
  http_service http_;
  receiver receiver_;
  flusher flusher_;
  acceptor acceptor_;
  program_calls calls_;
  handover handover_;
  std::unique_ptr<cluster> cluster_;  // none: it stands alone
  task_queue tasks_;

  // Events are handled in the order they came, over several turns if they are many.
  std::array<kernel::event, 1024> ready_{};
  std::size_t ready_count_ = 0;
  std::size_t ready_next_ = 0;

  int wakeup_ = -1;
  std::atomic<std::thread::id> thread_{};
  std::atomic<command> command_{command::serve};
  std::atomic<bool> accepting_{true};
  std::atomic<std::uint32_t> drain_deadline_ms_{0};
  bool draining_ = false;
  bool broken_ = false;  // by something thrown
  bool handed_over_ = false;
  std::shared_ptr<request_to_give> asked_to_give_;
  tick_ms drain_since_ = 0;
};

}  // namespace chinwag
