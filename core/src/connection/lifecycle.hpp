#pragma once

#include <string_view>
#include <unordered_map>

#include "connection/poller.hpp"
#include "connection/sender.hpp"
#include "connection/timer_wheel.hpp"
#include "host/program.hpp"
#include "state/context.hpp"
#include "state/outboxes.hpp"
#include "state/rooms.hpp"
#include "state/users.hpp"

namespace chinwag {

// A connection as a predecessor had it. Times are how long ago.
struct inherited_connection {
  int descriptor = -1;
  connection_phase phase = connection_phase::free;
  bool is_watched = false;  // its descriptor went ahead
  std::string_view user{};  // while it chats
  std::uint16_t close_with = 0;
  std::uint16_t http_requests = 0;
  bool blocked = false;
  bool ending = false;
  bool answers_close = false;
  bool input_ended = false;
  std::uint32_t heard_ms = 0;
  std::uint32_t since_ms = 0;
  std::uint32_t pinged_ms = 0;
  std::uint32_t open_left = 0;  // of a frame whose rest is first in the outbox
};

// Connections from accept to the last byte: their phases, deadlines and limits.
class lifecycle {
 public:
  lifecycle(context& shared, outboxes& outboxes, rooms& rooms, users& users, sender& sender,
            poller& poller, timer_wheel& timers, program& program)
      : shared_(shared),
        outboxes_(outboxes),
        rooms_(rooms),
        users_(users),
        sender_(sender),
        poller_(poller),
        timers_(timers),
        program_(program) {}

  // Takes over a descriptor; no_id if the system can't watch it.
  connection_id open(int descriptor);

  // A place and a generation: of a connection that is opened, or of one that is not there any more.
  connection_id take_place();
  // Takes over a predecessor's connection; no_id if it is none, or the system can't watch it. Its
  // memberships and buffers come next, and then go_on().
  connection_id inherit(const inherited_connection& was);
  void go_on(connection_id id);

  // From HTTP to WebSocket, on /ws as this user.
  void begin_chat(connection_id id, std::string_view user);
  void begin_echo(connection_id id);

  // Decides to close: what waits is sent, then the close frame. Nothing that the client sends
  // after this is served.
  void close(connection_id id, std::uint16_t code);
  // The client closed first: its code is answered.
  void answer_close(connection_id id, std::uint16_t code);
  // For HTTP: no close frame.
  void finish_http(connection_id id);
  // The connection is broken or over. It is removed by reap().
  void break_off(connection_id id);

  // The client has shut its side and everything it sent is served: what waits for it is sent, then
  // the end.
  void end_input(connection_id id);

  // The client reset the connection: what it sent before is served, then it is broken off.
  void peer_gone(connection_id id);

  // The connection is read from again after a pause, in which its silence was not counted.
  void heard(connection_id id);

  // What follows from a delivery: limits, deadlines, what to watch for.
  void after_delivery(connection_id id, delivery outcome);

  // Acts on the deadlines that have come, within the budget.
  void run_timers(work_budget& budget);
  // Removes the broken ones, within the budget; their rooms learn of it.
  void reap(work_budget& budget);
  void reap_all();
  // From now on nobody is told that others leave: all do. drain() begins to close those that are
  // left, within the budget.
  void begin_drain();
  void drain(work_budget& budget);
  // While memory is scarce.
  void relieve_memory(work_budget& budget);
  // Once it is not.
  void end_relief();
  // Breaks all connections off.
  void end_all();

  std::uint32_t live() const { return shared_.truth.connections.live(); }

 private:
  // A look at what a blocked connection has not taken.
  struct look {
    std::size_t untaken = 0;
    tick_ms at = 0;
    tick_ms since = 0;  // the connection's own: a look from before it changed tells nothing
  };

  // The search for those who keep memory scarce.
  struct relief {
    connection_id next = 0;
    std::uint32_t looks = 0;               // that are left until all were looked at
    std::uint64_t bytes_max = UINT64_MAX;  // that a connection may hold; at first any number
    tick_ms since = 0;                     // when somebody last gave way, or the bound went down
  };

  std::uint32_t heard_within_limits(std::uint32_t heard_ms) const;
  void enter(connection_id id, connection_phase next);
  void begin_closing(connection_id id, std::uint16_t code);
  void end_chat(connection_id id, std::uint16_t code);
  void forget_input(connection_id id);
  void judge(connection_id id);
  void slow_consumer(connection_id id);
  void begin_relief();
  std::uint64_t holds(connection_id id) const;
  void give_way(connection_id id);
  void begin_lingering(connection_id id);
  void check(connection_id id);
  void check_chat(connection_id id);
  bool is_stalled(connection_id id);
  bool is_taking(connection_id id);
  std::uint32_t next_look_ms(connection_id id, std::uint32_t limit_ms) const;
  void arm(connection_id id);
  std::uint32_t close_wait_ms(const connection& over) const;
  std::uint32_t until(tick_ms since, std::uint32_t limit_ms) const;
  void remove(connection_id id);

  context& shared_;
  outboxes& outboxes_;
  rooms& rooms_;
  users& users_;
  sender& sender_;
  poller& poller_;
  timer_wheel& timers_;
  program& program_;
  bool draining_ = false;
  connection_id next_to_drain_ = 0;
  relief relief_;
  std::unordered_map<connection_id, look> looks_;  // of those that were blocked for a while
};

}  // namespace chinwag
