#include "chinwag/server.hpp"

#include <arpa/inet.h>
#include <pthread.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <new>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "handover/channel.hpp"
#include "host/kernel.hpp"
#include "loop/shard.hpp"
#include "wire/json.hpp"
#include "wire/name.hpp"
#include "wire/text.hpp"
#include "wire/utf8.hpp"

namespace chinwag {

namespace {

// What a waiting call holds beside its texts.
constexpr std::size_t call_bytes = 256;

// Descriptors go ahead while the loop serves; this thread does the waiting.
status present(shard& loop, int channel) {
  const auto give = [channel](std::span<const int> some) {
    return channel::present(channel, some);
  };
  bool more = true;
  for (bool first = true; more; first = false) {
    if (status room = channel::await_room(channel); !room) return room;
    status done;
    const auto offered = [&](program_calls&) { done = loop.present(give, first, more); };
    if (status asked = loop.ask(offered); !asked) return asked;
    if (!done) return done;
  }
  return channel::end_presenting(channel);
}

// Verdicts that are served in one task, so that a program that gives thousands does not hold up the
// turn.
constexpr std::size_t decisions_per_task = 256;

hash_key random_key() {
  hash_key key{};
  // A key of zeros only weakens the index against chosen names; the server works without.
  kernel::random_bytes({reinterpret_cast<unsigned char*>(key.data()), sizeof key});
  return key;
}

// The core throws nothing: what the standard library throws becomes an outcome.
template <typename Call>
status guarded(Call call) noexcept {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return {error::out_of_memory, "no memory"};
  } catch (...) {
    return {error::system_failure, "internal error"};
  }
}

// Milliseconds for the shard, which counts them in 32 bits: from 24 days on, none end a drain.
std::uint32_t drain_deadline(std::chrono::milliseconds asked) {
  constexpr std::chrono::hours longest{24 * 24};
  if (asked.count() < 0) return 0;
  return asked > longest ? shard::no_deadline : static_cast<std::uint32_t>(asked.count());
}

// A server of bad options fails to listen; until then it is one of good options.
options usable(const options& settings) {
  return validate(settings) ? settings : options{};
}

bool is_ip_address(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

status check_name(std::string_view name) {
  if (is_utf8(name) && is_name(name)) return {};
  return {error::bad_name, "a room or user is 1 to " + std::to_string(name_bytes_max) +
                               " bytes of UTF-8 without control characters"};
}

status check_content(std::string_view content) {
  if (content.size() <= content_bytes_max && is_utf8(content)) return {};
  return {error::bad_content,
          "a content is UTF-8 of at most " + std::to_string(content_bytes_max) + " bytes"};
}

status check_message(std::string_view to, std::string_view content, std::string_view user) {
  if (status good = check_name(to); !good) return good;
  if (status good = check_name(user); !good) return good;
  return check_content(content);
}

}  // namespace

struct server::parts {
  parts(options settings, log_callback callback, handlers called, std::unique_ptr<backplane> line)
      : limits(std::move(settings)),
        log(std::move(callback)),
        loop(
            usable(limits), random_key(), std::move(called),
            [this](std::string_view text) { say(log_level::warning, text); }, std::move(line)) {}

  void say(log_level level, std::string_view text) const {
    if (!log || abandoned) return;
    guarded([&] { return log(level, text), status{}; });
  }

  status serve() {
    std::uint32_t left = 0;
    status outcome = guarded([&] {
      tell_begin();
      return status{};
    });
    if (outcome) outcome = loop.run(left);
    guarded([&] { return tell_end(outcome, left), status{}; });
    return outcome;
  }

  // What was taken over is bound where the predecessor's settings said.
  void tell_begin() const {
    const std::string wanted = authority_of(limits.host, loop.port());
    if (!took_over) return say(log_level::info, "serving on " + wanted);
    const std::string address = loop.address();
    say(log_level::info, "serving on " + address + ", taken over");
    if (limits.port != 0 && limits.port != loop.port()) {
      say(log_level::warning, "the settings say port " + std::to_string(limits.port) +
                                  ": it counts from the next start on, not from an upgrade");
    } else if (is_ip_address(limits.host) && address != wanted) {
      say(log_level::warning, "the settings say host " + limits.host +
                                  ": it counts from the next start on, not from an upgrade");
    }
  }

  void tell_end(const status& outcome, std::uint32_t left) const {
    if (loop.handed_over()) return say(log_level::info, "ended: a successor serves");
    const std::string open = std::to_string(left) + (left == 1 ? " connection" : " connections");
    if (!outcome) {
      say(log_level::warning, "ended by a failure (" + outcome.text + ") with " + open + " open");
    } else if (left > 0 && loop.draining()) {
      say(log_level::warning, "the drain's deadline came with " + open + " left: they were reset");
    } else {
      say(left == 0 ? log_level::info : log_level::warning, "ended with " + open + " open");
    }
  }

  options limits;
  log_callback log;
  shard loop;
  std::thread background;
  bool listening = false;
  bool took_over = false;
  bool started = false;
  bool abandoned = false;  // its server is gone while it runs; used on the loop's thread only
};

server::server(options settings, log_callback log, handlers called, std::unique_ptr<backplane> line)
    : parts_(std::make_shared<parts>(std::move(settings), std::move(log), std::move(called),
                                     std::move(line))) {}

server::~server() {
  if (is_own_thread()) {
    // A handler dropped the server. Its run ends with the turn and takes the parts along.
    parts_->abandoned = true;
    stop();
    if (parts_->background.joinable()) parts_->background.detach();
    return;
  }
  if (parts_->background.joinable()) stop();
  join();
}

listen_result server::listen() {
  if (parts_->listening) return {{error::already_listening, "listen() was called before"}};
  status outcome = guarded([&] {
    const status valid = validate(parts_->limits);
    return valid ? parts_->loop.listen() : valid;
  });
  parts_->listening = static_cast<bool>(outcome);
  return {std::move(outcome), parts_->loop.port()};
}

listen_result server::take_over(int channel, const std::function<status()>& ready) {
  if (parts_->listening) return {{error::already_listening, "listen() was called before"}};
  status outcome = guarded([&]() -> status {
    if (status valid = validate(parts_->limits); !valid) return valid;
    image from;
    if (status there = channel::greet(channel); !there) return there;
    const auto expect = [this](std::span<const int> ahead) { return parts_->loop.expect(ahead); };
    if (status ahead = channel::take_presented(channel, expect); !ahead) return ahead;
    if (status taken = channel::take(channel, from); !taken) return taken;
    if (status read = parts_->loop.inherit(from); !read) return read;
    if (status able = ready ? ready() : status{}; !able) return able;
    return channel::confirm(channel);
  });
  parts_->listening = parts_->took_over = static_cast<bool>(outcome);
  if (!outcome) parts_->loop.let_go();
  return {std::move(outcome), parts_->loop.port()};
}

status server::hand_over(int channel) {
  return guarded([&]() -> status {
    if (is_own_thread()) return {error::system_failure, "not from the thread that serves"};
    if (status met = channel::meet_successor(channel); !met) return met;
    if (status ahead = present(parts_->loop, channel); !ahead) return ahead;
    return parts_->loop.hand_over(
        [channel](const image& own) { return channel::give(channel, own); });
  });
}

status server::run() {
  if (!parts_->listening) return {error::not_listening, "call listen() first"};
  if (parts_->started) return {error::already_running, "run() was called before"};
  const std::shared_ptr<parts> kept = parts_;
  kept->started = true;
  kept->loop.begin();
  return kept->serve();
}

status server::run_in_background() {
  if (!parts_->listening) return {error::not_listening, "call listen() first"};
  if (parts_->started) return {error::already_running, "run() was called before"};
  parts_->started = true;
  parts_->loop.begin();
  status outcome = guarded([&]() -> status {
    try {
      parts_->background = std::thread([kept = parts_] {
        ::pthread_setname_np(::pthread_self(), "chinwag");  // for those who look at the process
        kept->serve();
      });
      return {};
    } catch (const std::system_error& problem) {
      return {error::system_failure, std::string("can't start a thread: ") + problem.what() +
                                         "; free memory or raise the limit of processes"};
    }
  });
  if (outcome) return outcome;
  parts_->loop.give_up();
  parts_->started = false;
  return outcome;
}

void server::join() {
  if (parts_->background.joinable() && !is_own_thread()) parts_->background.join();
}

void server::stop() {
  parts_->loop.stop();
}

void server::stop_accepting() {
  parts_->loop.stop_accepting();
}

void server::drain(std::chrono::milliseconds deadline) {
  parts_->loop.drain(drain_deadline(deadline));
}

stats server::read_stats() const {
  return parts_->loop.read();
}

status server::publish(std::string_view room, std::string_view content, std::string_view user) {
  return guarded([&]() -> status {
    if (status good = check_message(room, content, user); !good) return good;
    std::string text = escape_json(content);
    const std::size_t cost = call_bytes + text.size();
    return parts_->loop.post(
        [room = std::string(room), text = std::move(text),
         user = std::string(user)](program_calls& calls) { calls.publish(room, text, user); },
        cost);
  });
}

status server::send_to(std::string_view to, std::string_view content, std::string_view user) {
  return guarded([&]() -> status {
    if (status good = check_message(to, content, user); !good) return good;
    std::string text = escape_json(content);
    const std::size_t cost = call_bytes + text.size();
    return parts_->loop.post(
        [to = std::string(to), text = std::move(text),
         user = std::string(user)](program_calls& calls) { calls.send_to(to, text, user); },
        cost);
  });
}

status server::decide(std::vector<decision> decisions) {
  return guarded([&]() -> status {
    status outcome;
    for (decision& one : decisions) {
      const char* problem = problem_of(one.outcome);
      if (problem == nullptr) continue;
      one.outcome = {verdict::kind::refuse, problem, refusal::unavailable};
      outcome = {error::bad_content, "a verdict was made a refusal: " + std::string(problem)};
    }
    for (auto first = decisions.begin(); first != decisions.end();) {
      const auto left = static_cast<std::size_t>(decisions.end() - first);
      const auto last = first + static_cast<std::ptrdiff_t>(std::min(left, decisions_per_task));
      std::vector<decision> piece(std::make_move_iterator(first), std::make_move_iterator(last));
      first = last;
      // As many as requests wait, which have a bound: one that was lost would hold its client.
      status taken = parts_->loop.post(
          [piece = std::move(piece)](program_calls& calls) mutable { calls.decide(piece); },
          task_queue::free);
      if (!taken) return taken;
    }
    return outcome;
  });
}

status server::send(connection_handle to, std::string_view content, std::string_view user) {
  return guarded([&]() -> status {
    if (status good = check_message(user, content, user); !good) return good;
    if (status open = check_open(to); !open) return open;
    std::string text = escape_json(content);
    const std::size_t cost = call_bytes + text.size();
    return parts_->loop.post([to, text = std::move(text), user = std::string(user)](
                                 program_calls& calls) { calls.send(to, text, user); },
                             cost);
  });
}

status server::close(connection_handle who, std::uint16_t code) {
  return guarded([&]() -> status {
    if (!is_sendable_close_code(code)) {
      return {error::bad_close_code, std::to_string(code) +
                                         " is no close code to send: give 1000, " +
                                         "1008 or one from 3000 to 4999"};
    }
    if (status open = check_open(who); !open) return open;
    // Even on the loop's own thread in a turn of its own: a handler's caller counts on its
    // connection.
    return parts_->loop.post([=](program_calls& calls) { calls.close(who, code); }, call_bytes);
  });
}

status server::list_rooms(std::vector<room_info>& found) const {
  return guarded(
      [&] { return parts_->loop.ask([&](program_calls& calls) { found = calls.list_rooms(); }); });
}

status server::list_members(std::string_view room, std::vector<member_info>& found) const {
  return guarded([&]() -> status {
    if (status good = check_name(room); !good) return good;
    return parts_->loop.ask([&](program_calls& calls) { found = calls.list_members(room); });
  });
}

status server::check_open(connection_handle who) const {
  bool open = false;
  status asked = parts_->loop.ask([&](program_calls& calls) { open = calls.is_open(who); });
  if (!asked || open) return asked;
  return {error::connection_closed, "the connection is closed"};
}

bool server::is_own_thread() const {
  return parts_->loop.is_own_thread() || parts_->background.get_id() == std::this_thread::get_id();
}

}  // namespace chinwag
