#include "chinwag/server.hpp"

#include <sys/random.h>

#include <string>
#include <thread>

#include "shard.hpp"

namespace chinwag {

namespace {

hash_key random_key() {
  hash_key key{};
  // A key of zeros only weakens the index against chosen names; the server works without.
  [[maybe_unused]] const ssize_t got = ::getrandom(key.data(), sizeof key, 0);
  return key;
}

}  // namespace

struct server::parts {
  parts(options settings, log_callback callback)
      : limits(std::move(settings)), log(std::move(callback)), loop(limits, random_key()) {}

  void say(log_level level, const std::string& text) const {
    if (log) log(level, text);
  }

  void serve() {
    say(log_level::info, "serving on " + limits.host + ":" + std::to_string(loop.port()));
    loop.run();
    const std::uint64_t left = loop.read().connections;
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

server::server(options settings, log_callback log)
    : parts_(std::make_unique<parts>(std::move(settings), std::move(log))) {}

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
  parts_->serve();
  return {};
}

status server::run_in_background() {
  if (!parts_->listening) return {error::not_listening, "call listen() first"};
  if (parts_->started) return {error::already_running, "run() was called before"};
  parts_->started = true;
  parts_->background = std::thread([this] { parts_->serve(); });
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

}  // namespace chinwag
