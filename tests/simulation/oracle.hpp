#pragma once

#include <climits>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "client_stream.hpp"
#include "server_stream.hpp"
#include "trace.hpp"

namespace simulation {

using connection_number = std::uint32_t;
inline constexpr connection_number the_program = UINT32_MAX;
inline constexpr connection_number verdicts = UINT32_MAX - 1;  // direct messages as answers

// What the oracle must know of the server's settings.
struct oracle_settings {
  client_limits limits{};
  std::uint32_t rooms_max = 64;
  std::uint64_t ping_interval_ms = 30'000;
  std::uint64_t idle_timeout_ms = 60'000;
  std::uint64_t handshake_timeout_ms = 10'000;
  std::uint64_t stall_timeout_ms = 10'000;
  std::uint64_t pending_bytes_max = 1024 * 1024;
  bool little_memory = false;  // so little that the runs fill it
  bool skips = false;
  // The server promises more than R6 asks for: what was published before a leave comes.
  bool leaves_deliver = false;
  bool asks_joins = false;
  bool asks_messages = false;
};

// What the program said about a request, as far as clients can see it.
struct answer_given {
  enum class kind : std::uint8_t { accept, change, refuse, answer, later };
  kind what = kind::accept;
  std::string text{};
  std::string code{};
};

// What the kernel knows of a connection after a turn.
struct link_report {
  connection_number number = 0;
  bool blocked = false;
  std::uint64_t stalled_us = 0;  // since bytes were last taken, if blocked
  bool accepted = false;
  std::uint64_t accepted_us = 0;
  bool send_failed = false;
  bool unread_after_pause = false;  // bytes wait for the server since the process did not run
};

struct counted_room {
  std::string name;
  std::map<std::string, int> users;
};

// Judges what clients received by protocol/chat-1.md. Rooms are sequences as members saw them:
// where two members saw the same message, what lies around it must be the same for both.
class oracle {
 public:
  oracle(const oracle_settings& settings, trace& log) : settings_(settings), trace_(log) {}

  // What clients do. Times are of the monotonic clock.
  void connected(connection_number number);
  void sent(connection_number number, std::string_view bytes, std::uint64_t now_us);
  void client_ended(connection_number number, bool all_readable);
  // It shuts its side and reads on.
  void client_finished(connection_number number);

  // What clients got. Control frames that want an answer are handed to `respond`.
  using control = std::function<void(const server_frame&)>;
  void received(connection_number number, std::string_view bytes, std::uint64_t now_us,
                const control& respond);
  // `lost`: a reset took what the client had not read yet.
  void server_ended(connection_number number, bool reset, bool lost = false);

  // What the program hears and does.
  void opened(connection_number number, std::string_view user);
  // The random name that the server has sent to a client, which may not have read it yet.
  void named(connection_number number, std::string_view user);
  bool nameless(connection_number number) const;
  void join_asked(connection_number number, std::uint64_t ticket, std::string_view room,
                  answer_given given);
  void message_asked(connection_number number, std::uint64_t ticket, std::string_view room,
                     std::string_view content, answer_given given);
  void decided(connection_number number, std::uint64_t ticket, answer_given given);
  void published(std::string_view room, std::string_view content, std::string_view user);
  void sent_to(std::string_view to, std::string_view content, std::string_view user);
  void sent_one(connection_number to, std::string_view content, std::string_view user);
  void kicked(connection_number number, std::uint16_t code);
  void draining();
  // Bytes of the longest frame that anything asked for so far can have led to.
  bool any_direct() const { return any_direct_; }
  std::size_t largest_frame() const { return largest_frame_; }
  void stopping() { stopping_ = true; }

  void after_turn(const std::vector<link_report>& links, std::uint64_t now_us, bool rested);
  void unix_range(std::uint64_t least, std::uint64_t most) {
    unix_least_ = least;
    unix_most_ = most;
  }

  // Everything was read and all had time: what is missing now never comes.
  void settled();
  // The server has ended after a drain that had all the time it needed.
  void drained();
  // What list_rooms and list_members must say then.
  std::vector<counted_room> rooms_now() const;

  // Whether the client takes part in the chat and nothing says that it will not go on to.
  bool alive(connection_number number) const;
  bool ended(connection_number number) const;
  bool closing(connection_number number) const;
  std::uint64_t pings(connection_number number) const;
  // Of those whose upgrade was asked for and not reported by the program yet.
  bool may_open(connection_number number, std::string_view user) const;
  // All of whom that is true.
  std::vector<connection_number> who_may_open(std::string_view user) const;

 private:
  enum class event_kind : std::uint8_t { joined, left, message };
  struct token {
    std::uint64_t hash = 0;
    std::uint32_t user = 0;
    event_kind what{};
    bool unique = false;  // a message that was published once
    bool operator==(const token& other) const { return hash == other.hash; }
  };
  struct own_event {
    std::uint64_t hash = 0;
    bool join = false;
    bool again = false;  // R3
    bool optional = false;
    std::uint32_t epoch = 0;
    std::uint64_t index = 0;
  };
  // How many more of a user came than went, as one member saw it.
  struct balance {
    int now = 0;
    int least = 0;
    int most = 0;
    int least_speaking = INT_MAX;  // when a message of the user came
  };
  struct room_view {
    // By what the client asked for.
    bool member = false;
    std::uint32_t epoch = 0;      // of memberships
    std::uint64_t joined_at = 0;  // request index
    std::uint64_t left_at = 0;
    bool rejoined = false;      // R3 was asked for since all was settled
    std::deque<own_event> own;  // to come
    // By what it got.
    bool open = false;  // R2: its own user_joined came
    std::uint32_t epoch_seen = 0;
    std::uint64_t begun = 0;                 // when, in messages published
    std::vector<token> seen;                 // since then, or since all was settled
    std::vector<std::vector<token>> before;  // of earlier memberships
    bool skipped = false;
    bool unclear = false;  // which user_joined began the membership can't be told
    bool counts = false;   // `users` is complete since the membership began
    std::map<std::uint32_t, balance> users;
  };
  struct answer {
    bool heartbeat = false;
    std::string code{};
    bool optional = false;
    std::string direct_to{};      // no_such_user unless somebody has that name
    connection_number there = 0;  // one who had it when it was asked for
    std::uint64_t index = 0;
  };
  struct question {
    std::uint64_t ticket = 0;
    bool join = false;
    std::string room{};
    std::string content{};
    answer_given given{};
  };
  struct client {
    explicit client(const client_limits& limits) : says(limits) {}
    connection_number number = 0;
    client_stream says;
    server_stream hears;
    std::vector<client_item> items;
    std::size_t evaluated = 0;
    std::uint64_t index = 0;  // of requests, ever
    std::deque<client_item> http;
    bool upgraded = false;  // 101 was received
    bool echo = false;
    bool welcomed = false;
    bool reported = false;  // the program's open handler was called
    bool asked_upgrade = false;
    std::string wanted{};
    std::string user{};
    std::deque<answer> answers;
    std::deque<std::string> pongs;
    std::deque<std::pair<std::uint8_t, std::string>> echoes;
    std::map<std::string, room_view, std::less<>> rooms;
    std::size_t memberships = 0;
    std::deque<question> questions;
    std::set<std::uint16_t> codes;  // that a close may have
    bool fault = false;             // it must end
    bool suspect = false;           // it may
    bool said_all = false;          // nothing behind it is served
    bool http_over = false;
    bool close_received = false;
    bool over = false;  // the client saw the end
    bool client_over = false;
    bool finished = false;      // it says nothing more, and reads on
    bool heard_to_end = false;  // having finished, up to an orderly end
    bool all_readable = true;
    bool accepted = false;
    bool decided_late = false;  // what is decided for who is gone is dropped
    bool idle_possible = false;
    bool slow_possible = false;
    bool handshake_possible = false;
    bool send_failed = false;
    std::uint64_t since_us = 0;
    std::uint64_t mark = 0;
    std::uint64_t mark_before = 0;
    std::uint64_t pinged = 0;
    bool alive_at_drain = false;
    bool lost = false;
    std::uint16_t closed_with = 0;
    std::map<std::uint64_t, std::uint64_t> direct_order;  // of each sender
    std::set<std::uint64_t> must_directs;
  };
  struct direct {
    connection_number sender = 0;
    std::uint64_t order = 0;
    std::string to{};  // empty: the connection below
    connection_number to_one = 0;
    std::set<connection_number> got{};
  };
  struct publication {
    std::uint32_t count = 0;
    connection_number sender = 0;
    std::uint64_t at = 0;
    std::string room{};
    bool must = false;
  };

  client* find(connection_number number);
  const client* find(connection_number number) const;
  void expect_frame(std::size_t content_bytes);
  void violate(const client& of, const char* rule, const std::string& text);
  std::uint32_t user_id(std::string_view user);

  void evaluate(client& of);
  bool evaluate_item(client& of, const client_item& item);
  bool evaluate_message(client& of, const client_item& item);
  bool evaluate_join(client& of, const asked_message& asked);
  void evaluate_leave(client& of, const asked_message& asked);
  bool evaluate_publish(client& of, const asked_message& asked);
  void evaluate_direct(client& of, const asked_message& asked);
  // nullptr while the program owes a verdict.
  const question* verdict_of(client& of, bool join, const asked_message& asked);
  bool turned_down(client& of, const answer_given& given);
  void expect_error(client& of, const char* code, std::string direct_to = {});
  void add_publication(std::string_view room, std::string_view user, std::string_view content,
                       connection_number sender);
  void add_direct(std::string_view from, std::string_view content, direct record);

  void take_response(client& of, const server_response& got);
  void take_frame(client& of, const server_frame& got, std::uint64_t now_us,
                  const control& respond);
  void take_text(client& of, std::string_view text);
  void take_close(client& of, std::string_view payload, std::uint64_t now_us);
  void take_answer(client& of, bool heartbeat, std::string_view code);
  bool certainly_there(const client& asker, const answer& due) const;
  bool never_there(const answer& due) const;
  void fence(client& of, std::uint64_t index);
  bool due_before_leave(const room_view& view, const own_event& one) const;
  void take_direct(client& of, const std::string& user, const std::string& content);
  void take_room_event(client& of, event_kind what, const std::string& room,
                       const std::string& user, const std::string& content);
  void take_joined(client& of, room_view& view, const std::string& room, const std::string& user);
  void take_message(client& of, room_view& view, const std::string& room, const std::string& user,
                    const std::string& content, token& seen);
  void take_skipped(client& of, const std::string& room);
  void learn_of(const std::string& user, const std::string& room, const std::string& content);
  void check_time(const client& of, bool present, bool integer, std::uint64_t value);

  bool may_end(const client& of) const;
  bool is_alive(const client& of) const;
  bool unique_user(const client& of) const;
  void settle_client(client& of);
  void settle_finished(client& of);
  void check_answered(client& of);
  void check_own(client& of);
  void settle_rooms();
  struct member_of {
    const client* who = nullptr;
    const room_view* view = nullptr;
  };
  void settle_room(const std::string& name);
  void check_counts(const member_of& one, const std::string& room,
                    const std::map<std::uint32_t, int>& counts);
  void check_once(const member_of& one, const std::string& room);
  void check_ends(const member_of& a, const member_of& b, const std::string& room);
  void check_aligned(const member_of& one, const std::vector<token>& seen, const member_of& with,
                     const std::string& room);
  void check_served(const std::vector<member_of>& members, const std::string& room);
  bool served_for_sure(const publication& one) const;
  void forget();

  const oracle_settings settings_;
  trace& trace_;
  std::map<connection_number, std::unique_ptr<client>> clients_;
  std::unordered_map<std::uint64_t, publication> publications_;
  std::unordered_map<std::uint64_t, std::vector<direct>> directs_;
  std::unordered_map<std::string, std::uint32_t> user_ids_;
  std::vector<std::string> user_names_;
  std::unordered_map<std::string, std::uint32_t> connections_of_;  // ever, by user
  std::uint64_t clock_ = 0;     // of what was published or joined
  std::uint64_t possible_ = 0;  // bytes that all requests so far can have led to for one client
  std::size_t largest_frame_ = 0;
  bool any_direct_ = false;
  std::uint64_t unix_least_ = 0;
  std::uint64_t unix_most_ = UINT64_MAX;
  std::uint64_t now_us_ = 0;
  std::vector<std::pair<connection_number, std::string>> lefts_in_drain_;
  bool draining_ = false;
  bool stopping_ = false;
  bool uncertain_ = false;  // a client said what has more than one right answer
};

}  // namespace simulation
