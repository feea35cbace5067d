#include "chinwag/server.hpp"

#include <pthread.h>
#include <sys/random.h>

#include <string>
#include <thread>
#include <utility>

#include "loop/shard.hpp"
#include "wire/json.hpp"
#include "wire/name.hpp"
#include "wire/utf8.hpp"

namespace chinwag {

namespace {

constexpr std::size_t content_bytes_max = 65'536;  // as much as a client may send

hash_key random_key() {
  hash_key key{};
  // A key of zeros only weakens the index against chosen names; the server works without.
  [[maybe_unused]] const ssize_t got = ::getrandom(key.data(), sizeof key, 0);
  return key;
}

status running(bool runs) {
  if (runs) return {};
  return {error::not_running, "the server does not run: start it first"};
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
  parts(options settings, log_callback callback, handlers called)
      : limits(std::move(settings)),
        log(std::move(callback)),
        loop(limits, random_key(), std::move(called)) {}

  void say(log_level level, const std::string& text) const {
    if (log) log(level, text);
  }

  void serve() {
    say(log_level::info, "serving on " + limits.host + ":" + std::to_string(loop.port()));
    const std::uint32_t left = loop.run();
    say(left == 0 ? log_level::info : log_level::warning,
        "ended with " + std::to_string(left) + " connections open");
  }

  options limits;
  log_callback log;
  shard loop;
  std::thread background;
  bool listening = false;
  bool started = false;
};

server::server(options settings, log_callback log, handlers called)
    : parts_(std::make_unique<parts>(std::move(settings), std::move(log), std::move(called))) {}

server::~server() {
  if (parts_->background.joinable()) stop();
  join();
}

listen_result server::listen() {
  if (parts_->listening) return {{error::already_listening, "listen() was called before"}};
  status outcome = validate(parts_->limits);
  if (outcome) outcome = parts_->loop.listen();
  parts_->listening = static_cast<bool>(outcome);
  return {std::move(outcome), parts_->loop.port()};
}

status server::run() {
  if (!parts_->listening) return {error::not_listening, "call listen() first"};
  if (parts_->started) return {error::already_running, "run() was called before"};
  parts_->started = true;
  parts_->loop.begin();
  parts_->serve();
  return {};
}

status server::run_in_background() {
  if (!parts_->listening) return {error::not_listening, "call listen() first"};
  if (parts_->started) return {error::already_running, "run() was called before"};
  parts_->started = true;
  parts_->loop.begin();
  parts_->background = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "chinwag");  // for those who look at the process
    parts_->serve();
  });
  return {};
}

void server::join() {
  if (parts_->background.joinable()) parts_->background.join();
}

void server::stop() {
  parts_->loop.stop();
}

void server::drain(std::chrono::milliseconds deadline) {
  parts_->loop.drain(static_cast<std::uint32_t>(deadline.count()));
}

stats server::read_stats() const {
  return parts_->loop.read();
}

status server::publish(std::string_view room, std::string_view content, std::string_view user) {
  if (status good = check_message(room, content, user); !good) return good;
  return running(parts_->loop.post(
      [room = std::string(room), text = escape_json(content),
       user = std::string(user)](program_calls& calls) { calls.publish(room, text, user); }));
}

status server::send_to(std::string_view to, std::string_view content, std::string_view user) {
  if (status good = check_message(to, content, user); !good) return good;
  return running(parts_->loop.post(
      [to = std::string(to), text = escape_json(content),
       user = std::string(user)](program_calls& calls) { calls.send_to(to, text, user); }));
}

status server::decide(std::vector<decision> decisions) {
  for (const decision& one : decisions) {
    if (status good = check_content(one.outcome.text); !good) return good;
  }
  return running(
      parts_->loop.post([decisions = std::move(decisions)](program_calls& calls) mutable {
        calls.decide(std::move(decisions));
      }));
}

status server::send(connection_handle to, std::string_view content, std::string_view user) {
  if (status good = check_message(user, content, user); !good) return good;
  if (status open = check_open(to); !open) return open;
  return running(parts_->loop.post([to, text = escape_json(content), user = std::string(user)](
                                       program_calls& calls) { calls.send(to, text, user); }));
}

status server::close(connection_handle who, std::uint16_t code) {
  if (!is_sendable_close_code(code)) {
    return {error::bad_close_code, std::to_string(code) + " is no close code to send: give 1000, " +
                                       "1008 or one from 3000 to 4999"};
  }
  if (status open = check_open(who); !open) return open;
  // Even on the loop's own thread in a turn of its own: a handler's caller counts on its
  // connection.
  return running(parts_->loop.post([=](program_calls& calls) { calls.close(who, code); }));
}

status server::list_rooms(std::vector<room_info>& found) const {
  return running(parts_->loop.ask([&](program_calls& calls) { found = calls.list_rooms(); }));
}

status server::list_members(std::string_view room, std::vector<member_info>& found) const {
  if (status good = check_name(room); !good) return good;
  return running(parts_->loop.ask([&](program_calls& calls) { found = calls.list_members(room); }));
}

status server::check_open(connection_handle who) const {
  bool open = false;
  const bool ran = parts_->loop.ask([&](program_calls& calls) { open = calls.is_open(who); });
  if (!ran) return running(false);
  return open ? status{} : status{error::connection_closed, "the connection is closed"};
}

}  // namespace chinwag
