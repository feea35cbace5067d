#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "choices.hpp"
#include "host/kernel.hpp"
#include "host/pages.hpp"
#include "trace.hpp"

namespace simulation {

using connection_number = std::uint32_t;

// How often the kernel does what it may, in per mille of the calls, and what its calls cost.
struct kernel_habits {
  std::uint32_t short_receive = 200;
  std::uint32_t short_send = 150;
  std::uint32_t tiny = 300;  // of the short ones: 1 to 8 bytes
  std::uint32_t interrupted = 10;
  std::uint32_t no_buffers = 0;  // ENOBUFS on send
  std::uint32_t accept_fails = 20;
  std::uint32_t spurious = 20;
  std::uint32_t few_events = 200;
  std::uint32_t reuse_after = 8;  // closes until a descriptor is given out again
  std::uint32_t call_us = 3;
  std::uint32_t kib_us = 1;
  std::uint32_t lends_from = 1'000'000'000;  // bytes
  std::uint32_t lends_little = 100;          // per mille of the loans: a part, or nothing
};

// One TCP connection: the server's descriptor and the two queues of bytes.
struct link {
  connection_number number = 0;
  int descriptor = -1;  // -1: not accepted yet, or closed
  std::string to_server;
  std::string to_client;
  std::string first_sent;  // to the client, up to its welcome
  bool welcomed = false;
  std::size_t room = 64 * 1024;  // of to_client

  bool accepted = false;
  bool refused = false;  // dropped before it was accepted
  bool client_fin = false;
  bool client_gone = false;  // closed altogether: what the server sends is answered by a reset
  bool client_reset = false;
  bool reset_drops = false;  // the reset made what was not received yet unreadable
  bool server_fin = false;
  bool server_closed = false;
  bool server_reset = false;
  bool lost = false;  // what the client had not read yet, by a reset

  std::uint64_t accepted_us = 0;
  std::uint64_t received = 0;     // bytes that the server took
  std::uint64_t blocked_us = 0;   // since when not all that was offered was taken; 0: it was
  bool was_blocked = false;       // since it was looked at last
  std::uint64_t progress_us = 0;  // when the kernel last took bytes
  std::uint64_t taken_us = 0;     // when the client last did
  bool send_failed = false;       // by an error other than EAGAIN and EINTR
  bool sent_into_reset = false;
};

// What one turn of the shard asked for.
struct turn_work {
  std::uint64_t calls = 0;
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  std::uint64_t accepts = 0;
};

// Everything that a shard asks of the operating system, answered from memory. One at a time is the
// current one; chinwag::kernel's functions go there.
class simulated_kernel {
 public:
  using event = chinwag::kernel::event;

  simulated_kernel(const kernel_habits& habits, std::uint64_t seed, trace& log);
  ~simulated_kernel();
  simulated_kernel(const simulated_kernel&) = delete;
  simulated_kernel& operator=(const simulated_kernel&) = delete;

  static simulated_kernel& current();

  // The clients' side.
  link& connect(connection_number number);
  link* find(connection_number number);
  void end_input(link& of);  // half-close
  void vanish(link& of);
  void reset_by_client(link& of, bool drops);

  // Before a turn: choices of this turn come from `seed`; calm ones do nothing unusual.
  void begin_turn(std::uint64_t seed, bool calm, std::uint64_t patience_us);
  void pass(std::uint64_t us) { now_us_ += us; }
  void step_unix(std::int64_t ms) { unix_offset_ms_ += ms; }
  std::uint64_t turn_began_us() const { return turn_began_us_; }
  std::uint64_t now_us() const { return now_us_; }
  std::uint64_t unix_now_ms() const;

  const turn_work& work() const { return work_; }
  // Whether the last wait found nothing and was not asked to return at once.
  bool rested() const { return rested_; }
  int last_timeout_ms() const { return last_timeout_ms_; }
  // Whose bytes were received last.
  connection_number last_receiver() const { return last_receiver_; }
  bool listens() const { return listener_ >= 0; }
  std::uint64_t calls() const { return calls_; }

  // Asked before the shard sleeps: what it owes the program, or empty.
  std::function<std::string()> owed{};

  // Called once, as by another thread, while the shard waits for longer than a moment.
  std::function<void()> meanwhile{};

  // Another process's descriptor of the same thing: this one may be closed, and no more.
  int hand_over(int descriptor);
  // The same, ahead of its time: this one stays in use until hand_over_presented(), and the other
  // one may be watched or closed until then.
  int present(int descriptor);
  void hand_over_presented();

  // At the end of a run.
  void check_all_closed();

  // The shard's side: chinwag::kernel.
  chinwag::kernel::listening listen();
  int accept(int listener, chinwag::kernel::peer_address& peer);
  chinwag::kernel::peer_address peer_of(int descriptor);
  ssize_t receive(int descriptor, std::span<char> into);
  ssize_t send(int descriptor, std::span<const iovec> pieces);
  chinwag::kernel::lending_threshold worth_lending() const;
  std::size_t lend(const chinwag::kernel::page_lender& of, std::span<const iovec> pieces);
  ssize_t send_lent(const chinwag::kernel::page_lender& of, int descriptor, std::size_t bytes);
  void end_loan(const chinwag::kernel::page_lender& of);
  void renew_pages(const char* begin, std::size_t bytes);
  void unmap_pages(const char* begin, std::size_t bytes);
  std::size_t untaken(int descriptor);
  void shutdown_write(int descriptor);
  void reset(int descriptor);
  void close_connection(int poller, int descriptor);
  void close_listener(int poller, int descriptor);
  int open_poller();
  bool watch(int poller, int descriptor, std::uint64_t key, std::uint32_t what);
  bool rewatch(int poller, int descriptor, std::uint64_t key, std::uint32_t what);
  void unwatch(int poller, int descriptor);
  std::size_t wait(int poller, std::span<event> into, int timeout_ms);
  int open_wakeup();
  void wake(int wakeup);
  void clear_wakeup(int wakeup);
  void close(int descriptor);
  std::uint64_t monotonic_us();
  std::uint64_t unix_ms();
  bool random_bytes(std::span<unsigned char> into);

 private:
  enum class kind : std::uint8_t { none, connection, listener, poller, wakeup };
  struct descriptor_state {
    kind what = kind::none;
    link* connection = nullptr;
    bool watched = false;
    std::uint64_t key = 0;
    std::uint32_t wanted = 0;
    std::uint64_t rung = 0;
    bool handed_over = false;
    int presented_as = -1;      // by its owner, to a successor
    bool is_presented = false;  // by a predecessor, which serves on
  };

  // Bytes that connections may refer to, as they were when they were lent.
  struct lent_bytes {
    const char* at;
    std::string as_lent;
  };
  void check_lent(const lent_bytes& one) const;

  int give(kind what);
  void give_back(int descriptor);
  descriptor_state* use(int descriptor, kind what, const char* call);
  std::uint32_t readiness(const descriptor_state& of) const;
  std::size_t collect(std::span<event> into);
  std::size_t shortened(std::size_t most, std::uint32_t per_mille);
  void count(const char* call, std::uint64_t a, std::uint64_t b);

  const kernel_habits habits_;
  choices choices_;
  trace& trace_;
  bool calm_ = false;
  bool rested_ = false;
  int last_timeout_ms_ = 0;
  connection_number last_receiver_ = 0;
  std::uint64_t patience_us_ = 0;
  std::uint64_t turn_began_us_ = 0;
  // When the shard last came back from its wait: its deadlines of this turn count from then.
  std::uint64_t woke_us_ = 0;
  std::uint64_t now_us_ = 3'600'000'000;
  std::int64_t unix_offset_ms_ = 1'700'000'000'000;
  std::uint64_t calls_ = 0;
  turn_work work_{};

  std::vector<descriptor_state> descriptors_;
  std::deque<int> free_;
  int listener_ = -1;
  static chinwag::kernel::peer_address address_of(const link& of);

  std::vector<lent_bytes> referred_to_;
  std::map<const chinwag::kernel::page_lender*, std::vector<iovec>> loans_;

  std::map<connection_number, std::unique_ptr<link>> links_;
  std::deque<link*> waiting_;  // to be accepted
};

}  // namespace simulation
