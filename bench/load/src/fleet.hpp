#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "clock.hpp"
#include "connection.hpp"
#include "dialect.hpp"
#include "endpoint.hpp"
#include "frame_writer.hpp"
#include "poller.hpp"
#include "receive_lag.hpp"

namespace chinwag::load {

// Why a connection is no more. `key`: the close code, "reset" without one, or "refused" when it
// never opened.
struct ending {
  std::string key;
  std::string text;
};

// What a part of a run does with its connections. `on_due` comes soon after `wake_ns`, also between
// two reads of one turn, so that much to read never holds up what is to be sent.
class fleet_observer {
 public:
  virtual ~fleet_observer() = default;

  virtual void on_due(std::int64_t /*now_ns*/) {}
  virtual void on_open(std::uint32_t /*connection*/) {}
  virtual void on_end(std::uint32_t /*connection*/, const ending& /*why*/) {}
  virtual void on_input() {}
  virtual void on_control(std::uint32_t /*connection*/, std::size_t /*wire_bytes*/) {}
  virtual void on_text(std::uint32_t connection, std::string_view payload, std::size_t wire_bytes,
                       std::int64_t now_ns) = 0;

  std::int64_t wake_ns = never_ns;
};

// All connections of this process, on one thread.
class fleet {
 public:
  // Connections take turns with the nodes that one server consists of, by their numbers.
  fleet(std::vector<endpoint> nodes, load::protocol protocol, std::uint64_t seed,
        double heartbeat_s);

  std::uint32_t size() const { return static_cast<std::uint32_t>(connections_.size()); }
  std::uint32_t open_count() const { return open_count_; }
  bool is_open(std::uint32_t connection) const;
  const load::dialect& dialect() const { return dialect_of(protocol_); }
  // Whether what one sends crosses from node to node on its way to the other. Of a single node all
  // counts as crossing.
  bool are_apart(std::uint32_t one, std::uint32_t other) const {
    return nodes_.size() == 1 || one % nodes_.size() != other % nodes_.size();
  }

  // Begins one more connection; its end, if it comes at once, is told like any other.
  void start(std::string_view user, fleet_observer& observer);
  void abandon(std::uint32_t connection, const std::string& why, fleet_observer& observer);

  // Ends an open connection without a goodbye, and tells nobody; not between two reads of one turn.
  void cut(std::uint32_t connection);
  // Begins an ended connection again, under its number.
  void restart(std::uint32_t connection, std::string_view user, fleet_observer& observer);

  // One text message of these parts.
  void send(std::uint32_t connection, std::initializer_list<std::string_view> parts,
            fleet_observer& observer);

  // Waits until something is ready or due and serves it once.
  void turn(fleet_observer& observer);

  // `on_input` tells when the descriptor can be read. Answers false for files, which always can.
  bool watch_input(int fd);
  void unwatch_input(int fd) { poller_.remove(fd); }

  // Reads a connection by length from its next frame's end on: bytes are counted, not copied, and
  // nobody is told of frames. `false`: it is amid a frame, so ask again.
  bool count(std::uint32_t connection);
  // Back to reading frames. Out of step, the next frame is looked for.
  void parse(std::uint32_t connection, bool in_step);
  bool is_counted(std::uint32_t connection) const { return connections_[connection].is_counted(); }
  std::uint64_t counted_bytes(std::uint32_t connection) const {
    return connections_[connection].counted_bytes();
  }
  std::uint64_t counted_bytes() const { return counted_bytes_; }  // of all, ever
  std::int64_t last_counted_ns() const { return last_counted_ns_; }
  std::uint32_t& heartbeats_due(std::uint32_t connection) {
    return connections_[connection].heartbeats_due();
  }
  // Whether anything came on a counted one within the last moments.
  bool is_receiving(std::uint32_t connection) const;
  bool has_heartbeats() const { return heartbeat_ns_ > 0; }
  // Counted connections send none meanwhile: an answer would look like the rest of something.
  void spare_counted(bool spared) { spared_ = spared; }
  // Counts what has come so far on all of them.
  void sweep(fleet_observer& observer);

  receive_lag& lag() { return lag_; }

  // When the kernel had the text that is being told of; 0 where it was not asked.
  std::int64_t received_ns() const { return received_ns_; }

 private:
  std::int64_t next_due_ns(const fleet_observer& observer) const;
  void tick(fleet_observer& observer, std::int64_t now_ns);
  void send_heartbeats(fleet_observer& observer, std::int64_t now_ns);
  void serve(std::uint32_t id, std::uint32_t events, fleet_observer& observer);
  void finish_connecting(std::uint32_t id, fleet_observer& observer);
  void read(std::uint32_t id, fleet_observer& observer);
  void read_length(std::uint32_t id, fleet_observer& observer);
  void sweep_some(fleet_observer& observer, std::int64_t now_ns);
  void find_step(std::uint32_t id, std::string_view& bytes);
  bool upgrade(std::uint32_t id, std::string_view& bytes, fleet_observer& observer);
  void take_frames(std::uint32_t id, std::string_view& bytes, fleet_observer& observer);
  bool take_message(std::uint32_t id, frame& frame, std::int64_t now_ns, fleet_observer& observer);
  void take_text(std::uint32_t id, const frame& frame, std::int64_t now_ns,
                 fleet_observer& observer);
  void take_replies(std::uint32_t id, const frame& frame, std::int64_t now_ns,
                    fleet_observer& observer);
  void take_reply(std::uint32_t id, std::string_view reply, std::size_t wire_bytes,
                  std::int64_t now_ns, fleet_observer& observer);
  void admit(std::uint32_t id, fleet_observer& observer);
  void answer_packet(std::uint32_t id, std::string_view payload, fleet_observer& observer);
  void answer_control(std::uint32_t id, const frame& frame, fleet_observer& observer);
  void send_frame(std::uint32_t id, opcode op, std::initializer_list<std::string_view> parts,
                  fleet_observer& observer);
  void settle(std::uint32_t id, send_status status, fleet_observer& observer);
  void end(std::uint32_t id, const ending& why, fleet_observer& observer);

  std::vector<endpoint> nodes_;
  load::protocol protocol_;
  poller poller_;
  frame_writer writer_;
  receive_lag lag_;
  std::vector<connection> connections_;
  std::vector<char> read_bytes_;
  std::string frame_bytes_;
  std::string reply_text_;  // of Centrifugo, as chat/1 would have it
  std::uint32_t open_count_ = 0;
  std::int64_t heartbeat_ns_;
  std::int64_t next_heartbeat_ns_ = never_ns;
  std::uint32_t heartbeat_turn_ = 0;
  std::size_t stamped_bytes_ = 0;  // of those at hand, from their start
  std::int64_t received_ns_ = 0;
  std::string text_head_;               // how every text of this server begins
  std::vector<std::uint32_t> counted_;  // cleared once none of them is counted any more
  std::size_t counting_ = 0;
  std::uint64_t counted_bytes_ = 0;
  std::int64_t last_counted_ns_ = 0;
  bool spared_ = false;
  std::size_t sweep_turn_ = 0;
  std::int64_t next_sweep_ns_ = never_ns;
};

}  // namespace chinwag::load
