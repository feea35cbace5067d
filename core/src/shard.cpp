#include "shard.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <semaphore>
#include <utility>

namespace chinwag {

namespace {

// Keys of the two descriptors that are not connections: no connection has these places.
constexpr std::uint64_t door_key = UINT64_MAX;
constexpr std::uint64_t bell_key = UINT64_MAX - 1;

constexpr std::size_t events_per_clock = 16;

}  // namespace

shard::shard(const options& settings, const hash_key& key, handlers called)
    : shared_(settings, key),
      hooks_(std::move(called)),
      events_(shared_),
      timers_(shared_.links.connections),
      boxes_(shared_),
      rooms_(shared_),
      users_(shared_),
      sender_(shared_, boxes_, rooms_, system_send),
      life_(shared_, boxes_, rooms_, users_, sender_, events_, timers_, hooks_),
      chat_(shared_, boxes_, rooms_, users_, hooks_),
      gate_(shared_, boxes_, rooms_, life_, chat_),
      http_(shared_, boxes_, life_, chat_),
      intake_(shared_, boxes_, rooms_, life_, events_, gate_, http_),
      flusher_(shared_, sender_, rooms_,
               [this](connection_id id, delivery outcome) { life_.after_delivery(id, outcome); }),
      door_(shared_, life_, events_, door_key),
      calls_(shared_, boxes_, rooms_, users_, life_, gate_) {}

shard::~shard() {
  life_.end_all();
  if (bell_ >= 0) ::close(bell_);
}

status shard::listen() {
  bell_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (bell_ < 0 || !events_.open() || !events_.watch(bell_, bell_key)) {
    return {error::no_descriptors, std::string("can't make the event set: ") +
                                       std::strerror(errno) + "; raise the limit of open files"};
  }
  return door_.listen();
}

std::uint32_t shard::run() {
  thread_.store(std::this_thread::get_id());
  // Wishes are looked at right before a turn's wait: one that comes later rings again.
  for (follow_wish(); !done(); follow_wish()) turn();
  const std::uint32_t left = life_.live();
  life_.end_all();
  tasks_.close();
  hooks_.end_turn();
  thread_.store({});
  return left;
}

void shard::turn() {
  wait();
  shared_.clock.begin_turn();
  door_.resume_if_due();
  gate_.resume();
  life_.run_timers();
  intake_.resume_paused();
  handle_events();
  life_.reap();
  flush();
  life_.reap();
  hooks_.end_turn();
  shared_.counts.count_turn(shared_.clock.spent_us());
}

void shard::wait() {
  if (ready_next_ < ready_count_) return;
  ready_next_ = 0;
  ready_count_ = events_.wait(ready_.data(), ready_.size(), timeout_ms());
}

// Half of the turn at most is for reading, the rest for giving out what was read.
void shard::handle_events() {
  const std::uint64_t budget_us = shared_.limits.turn_us / 2;
  for (std::size_t handled = 1; ready_next_ < ready_count_; ++handled) {
    handle(ready_[ready_next_++]);
    if (handled % events_per_clock == 0 && shared_.clock.spent_us() >= budget_us) return;
  }
}

void shard::handle(const epoll_event& event) {
  if (event.data.u64 == door_key) return door_.accept_waiting();
  if (event.data.u64 == bell_key) return answer_bell();
  const connection_id id = events_.owner_of(event.data.u64);
  if (id == no_id) return;
  const connection& about = shared_.truth.connections[id];
  if ((event.events & static_cast<std::uint32_t>(EPOLLOUT)) != 0 && about.blocked) {
    life_.after_delivery(id, sender_.deliver(id));
  }
  constexpr auto broken = static_cast<std::uint32_t>(EPOLLERR | EPOLLHUP);
  if ((event.events & broken) != 0) return life_.break_off(id);
  if ((event.events & static_cast<std::uint32_t>(EPOLLIN)) != 0 &&
      !shared_.links.connections[id].reading_paused) {
    intake_.readable(id);
  }
}

void shard::flush() {
  flusher_.flush_outboxes();
  flusher_.flush_rooms();
}

// Slow consumers met while flushing have a close frame to send, those who were reaped after it left
// a user_left in their rooms, and a budget may have ended before the last member.
bool shard::work_left() const {
  return !shared_.links.outbox_queue.empty() || !shared_.links.dirty_rooms.empty();
}

int shard::timeout_ms() const {
  if (work_left()) return 0;
  if (intake_.anyone_paused() || gate_.anyone_stuck()) return 1;
  std::optional<std::uint32_t> wait = timers_.wait_ms(shared_.clock.now());
  const auto no_later_than = [&](std::uint32_t limit) {
    wait = std::min(wait.value_or(limit), limit);
  };
  if (const auto door = door_.wait_ms()) no_later_than(*door);
  if (draining_) no_later_than(10);
  return wait ? static_cast<int>(*wait) : -1;
}

void shard::follow_wish() {
  if (wish_.load(std::memory_order_acquire) != wish::drain || draining_) return;
  draining_ = true;
  drain_since_ = shared_.clock.now();
  door_.stop();
  tasks_.run();  // what was asked for before the drain comes before its closes
  life_.close_all();
}

bool shard::done() const {
  const wish asked = wish_.load(std::memory_order_acquire);
  if (asked == wish::stop) return true;
  if (!draining_) return false;
  return life_.live() == 0 || elapsed_ms(drain_since_, shared_.clock.now()) >=
                                  drain_deadline_ms_.load(std::memory_order_relaxed);
}

void shard::stop() {
  wish_.store(wish::stop, std::memory_order_release);
  ring();
}

void shard::drain(std::uint32_t deadline_ms) {
  drain_deadline_ms_.store(deadline_ms, std::memory_order_relaxed);
  wish expected = wish::serve;
  wish_.compare_exchange_strong(expected, wish::drain, std::memory_order_acq_rel);
  ring();
}

bool shard::post(task wanted) {
  bool first = false;
  if (!tasks_.put([this, wanted = std::move(wanted)] { wanted(calls_); }, first)) return false;
  if (first) ring();
  return true;
}

bool shard::ask(const task& wanted) {
  if (thread_.load() == std::this_thread::get_id()) {
    wanted(calls_);
    return true;
  }
  std::binary_semaphore done(0);
  const bool taken = post([&](program_calls& calls) {
    wanted(calls);
    done.release();
  });
  if (taken) done.acquire();
  return taken;
}

void shard::ring() {
  const std::uint64_t one = 1;
  // A full counter rings as well, so the outcome does not matter.
  [[maybe_unused]] const ssize_t written = ::write(bell_, &one, sizeof one);
}

// The bell is cleared first: a task that comes after its queue was emptied rings again.
void shard::answer_bell() {
  std::uint64_t rung = 0;
  [[maybe_unused]] const ssize_t got = ::read(bell_, &rung, sizeof rung);
  tasks_.run();
}

}  // namespace chinwag
