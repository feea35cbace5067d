#pragma once

#include <sys/types.h>

#include <deque>
#include <span>
#include <string>
#include <vector>

#include "chat/http_service.hpp"
#include "chat/requests.hpp"
#include "connection/lifecycle.hpp"
#include "connection/poller.hpp"
#include "state/context.hpp"
#include "state/outboxes.hpp"
#include "state/request_rates.hpp"
#include "state/rooms.hpp"
#include "wire/message_reader.hpp"

namespace chinwag {

// Reads what clients send and hands it to HTTP, chat or echo. Each connection is served a share at
// a time, so that one that floods leaves the others their turn. A connection whose messages the
// rest can't keep up with is not read for a while: the pressure goes back to its sender.
class receiver {
 public:
  receiver(context& shared, outboxes& outboxes, rooms& rooms, lifecycle& lifecycle, poller& poller,
           requests& requests, http_service& http);

  // Bytes, or an end, wait on the connection.
  void input_came(connection_id id);

  // Goes on with connections that were paused and need not be any more.
  void resume_paused();
  bool anyone_paused() const { return !paused_.empty(); }

  // Goes on with connections that have more to serve than one share.
  void serve_postponed();
  bool work_left() const { return !shared_.links.postponed.empty(); }

 private:
  struct paused {
    connection_handle who;
    room_id room;  // that must catch up first, or no_id
  };

  // Counts what a connection is served at a time.
  struct visit {
    std::uint32_t units = 0;
    request_rates::use asked_for{};
    request_rates::use before{};  // in the same second
  };

  void readable(connection_id id);
  void serve(connection_id id, std::span<char>& input);
  void serve_http(connection_id id, std::span<char>& input);
  void serve_frames(connection_id id, std::span<char>& input);
  bool goes_on(connection_id id) const;
  bool asks_kernel(connection_id id) const;
  bool has_unread(connection_id id) const;
  void note_silence(connection_id id, ssize_t got);
  bool may_read(connection_id id) const;
  void serve_unread(connection_id id);
  void settle(connection_id id);
  void end(connection_id id, bool reset);
  room_id handle(connection_id id, const inbound& got);
  room_id serve_text(connection_id id, std::string_view text);
  void close(connection_id id, std::uint16_t code);
  void fail(connection_id id, std::uint16_t code);
  void read_no_more(connection_id id);
  void echo(connection_id id, const inbound& got);
  bool share_is_used(std::uint32_t units);
  bool over_rate() const;
  bool limits_rates() const;
  void charge(connection_id id);
  bool must_wait(connection_id id, room_id published) const;
  void pause(connection_id id, room_id published);
  message_reader& reader_of(connection_id id);
  void keep_reader(connection_id id);

  context& shared_;
  outboxes& outboxes_;
  rooms& rooms_;
  lifecycle& lifecycle_;
  poller& poller_;
  requests& requests_;
  http_service& http_;
  std::vector<char> buffer_;      // shared by all: most reads end with nothing to keep
  message_reader common_reader_;  // for connections without a message that has begun
  visit visit_;                   // of the connection that is served now
  request_rates rates_;
  std::deque<paused> paused_;
};

}  // namespace chinwag
