#include "loop/shard.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <semaphore>
#include <string>
#include <utility>

namespace chinwag {

namespace {

// Tells this node from the others of its cluster.
cluster::node_name node_name() {
  cluster::node_name name{};
  kernel::random_bytes({reinterpret_cast<unsigned char*>(name.data()), name.size()});
  return name;
}

// Keys of the two descriptors that are not connections: no connection has these places.
constexpr std::uint64_t listener_key = UINT64_MAX;
constexpr std::uint64_t wakeup_key = UINT64_MAX - 1;

constexpr std::uint32_t units_per_event = 2;

}  // namespace

shard::shard(const options& settings, const hash_key& key, handlers called, program::warning warn,
             std::unique_ptr<backplane> line)
    : shared_(settings, key),
      program_(std::move(called), warn),
      poller_(shared_),
      timers_(shared_.links.connections),
      outboxes_(shared_),
      rooms_(shared_, outboxes_),
      users_(shared_),
      sender_(shared_, outboxes_, rooms_, sockets_),
      lifecycle_(shared_, outboxes_, rooms_, users_, sender_, poller_, timers_, program_),
      protocol_(shared_, outboxes_, rooms_, users_, program_),
      requests_(shared_, outboxes_, rooms_, lifecycle_, protocol_),
      http_(shared_, outboxes_, users_, lifecycle_, protocol_),
      receiver_(shared_, outboxes_, rooms_, lifecycle_, poller_, requests_, http_),
      flusher_(
          shared_, outboxes_, sender_, rooms_,
          [this](connection_id id, delivery outcome) { lifecycle_.after_delivery(id, outcome); }),
      acceptor_(shared_, lifecycle_, poller_, listener_key),
      calls_(shared_, outboxes_, rooms_, lifecycle_, protocol_, requests_),
      handover_(shared_, outboxes_, rooms_, lifecycle_, poller_),
      tasks_(settings.calls_bytes_max) {
  if (line == nullptr) return;
  cluster_ = std::make_unique<cluster>(std::move(line), node_name(), shared_, rooms_, users_,
                                       poller_, std::move(warn), protocol_, requests_, http_);
}

shard::~shard() {
  if (!broken_ && !handed_over_) lifecycle_.end_all();
  if (wakeup_ >= 0) kernel::close(wakeup_);
}

bool shard::open_poller() {
  wakeup_ = kernel::open_wakeup();
  return wakeup_ >= 0 && poller_.open() && poller_.watch(wakeup_, wakeup_key);
}

status shard::listen() {
  if (!open_poller()) {
    return {error::no_descriptors, std::string("can't make the event set: ") +
                                       std::strerror(errno) + "; raise the limit of open files"};
  }
  const status outcome = acceptor_.listen();
  if (outcome && cluster_) cluster_->begin();
  return outcome;
}

status shard::expect(std::span<const int> descriptors) {
  bool watched = wakeup_ >= 0 || open_poller();
  // Those behind one that can't be watched have to be closed as well.
  for (const int descriptor : descriptors) watched = handover_.expect(descriptor) && watched;
  if (watched) return {};
  return {error::no_descriptors, "the predecessor's connections can't be watched"};
}

status shard::inherit(const image& from) {
  status outcome;
  try {
    outcome = read_image(from);
  } catch (const std::bad_alloc&) {
    outcome = {error::out_of_memory, "no memory for the predecessor's state"};
  }
  if (outcome) {
    // It subscribes to what is there by now.
    if (cluster_) cluster_->begin();
    return outcome;
  }
  handed_over_ = true;
  acceptor_.forget();
  handover_.forget_expected();
  for (const int descriptor : from.descriptors) kernel::close(descriptor);
  return outcome;
}

status shard::read_image(const image& from) {
  // It may have waited for long since it was made. Ages are those of this moment.
  shared_.clock.begin_turn(0);
  image_reader bytes(from.bytes);
  status outcome{error::system_failure, "the predecessor speaks another version of the state"};
  std::vector<int> connections = from.descriptors;
  if (wakeup_ < 0 && !open_poller()) {
    outcome = {error::no_descriptors, "can't make the event set"};
  } else if (bytes.number<std::uint32_t>() == image_version && !connections.empty()) {
    const int listener = connections.front();
    connections.erase(connections.begin());
    outcome = acceptor_.inherit(listener, bytes.number<std::uint16_t>());
    if (outcome) outcome = handover_.read(bytes, connections);
  }
  return outcome;
}

// What was asked for before is done by whoever was asked, by handlers that hear of an end, and
// what was published since the turn's end leaves; who was to be told is.
status shard::settle() {
  if (draining_ || acceptor_.descriptor() < 0) {
    return {error::system_failure, "the server drains, or takes no connections any more"};
  }
  lifecycle_.reap_all();
  tasks_.run([] { return false; });
  lifecycle_.reap_all();
  if (const char* const waits = not_yet()) return {error::system_failure, waits};
  if (cluster_) cluster_->end_turn();
  return {};
}

status shard::copy(image& into) {
  image_writer bytes;
  bytes.number(image_version);
  bytes.number(acceptor_.port());
  into.descriptors.push_back(acceptor_.descriptor());
  const status outcome = handover_.write(bytes, into.descriptors);
  into.bytes = bytes.take();
  return outcome;
}

// Closing is all that is done to the sockets: to shut them down would do so for the successor.
void shard::let_go() {
  if (std::exchange(handed_over_, true)) return;
  if (planted(fault::listener_left_behind)) acceptor_.stop();
  acceptor_.let_go();
  for (connection_id id = 0; id < shared_.truth.connections.size(); ++id) {
    const connection& of = shared_.truth.connections[id];
    if (of.phase != connection_phase::free) kernel::close(of.descriptor);
  }
  shared_.counts.connections.set(0);
}

status shard::present(const handover::offer& give, bool first, bool& more) {
  if (first) handover_.present_anew();
  try {
    return handover_.present(give, more);
  } catch (const std::bad_alloc&) {
    return {error::out_of_memory, "no memory to send descriptors"};
  }
}

status shard::hand_over(give_state give) {
  request_to_give asked{.give = std::move(give)};
  // Dropped tasks answer, too, as those do that were run by a shard that then ended.
  std::shared_ptr<request_to_give> answer(&asked,
                                          [](request_to_give* one) { one->done.release(); });
  const status taken = post([this, answer = std::move(answer)](program_calls&) mutable {
    asked_to_give_ = std::move(answer);
  });
  asked.done.acquire();
  return taken ? asked.outcome : taken;
}

// What a successor would not know of; nothing if there is none of it.
const char* shard::not_yet() const {
  if (tasks_.work_left()) return "calls wait for a room: try again";
  if (cluster_ && cluster_->anyone_waits()) return "joins wait for the backplane: try again";
  if (shared_.links.held_bytes > 0) return "requests wait for the program's verdicts: try again";
  return nullptr;
}

// At the end of a turn. On a busy node somebody nearly always waits for something: the next turns
// try again, for a while.
void shard::give_away() {
  constexpr std::uint64_t patience_us = 2'000'000;
  const std::uint64_t now_us = kernel::monotonic_us();
  if (asked_to_give_->since_us == 0) asked_to_give_->since_us = now_us;
  if (not_yet() != nullptr && now_us - asked_to_give_->since_us < patience_us) return;
  const std::shared_ptr<request_to_give> asked = std::exchange(asked_to_give_, nullptr);
  image own;
  asked->outcome = write(own);
  if (asked->outcome) asked->outcome = asked->give(own);
  if (asked->outcome) let_go();
}

// A copy changes nothing: where there is no memory for all that waits, the shard goes on. It would
// not be trusted any more where there is none in the middle of what comes before that.
status shard::write(image& into) {
  if (const status settled = settle(); !settled) return settled;
  try {
    return copy(into);
  } catch (const std::bad_alloc&) {
    into = {};
    return {error::out_of_memory, "no memory for a copy of the state"};
  }
}

status shard::run(std::uint32_t& left) {
  thread_.store(std::this_thread::get_id());
  status outcome;
  try {
    while (step()) {
    }
    left = end();
  } catch (const std::bad_alloc&) {
    left = break_down();
    outcome = {error::out_of_memory, "no memory"};
  } catch (const std::exception& problem) {
    left = break_down();
    outcome = {error::system_failure, problem.what()};
  }
  thread_.store({});
  return outcome;
}

// What was thrown left a turn half done: nothing but descriptors and those who wait for an answer
// is to be trusted any more.
std::uint32_t shard::break_down() noexcept {
  broken_ = true;
  sender_.release_thread();
  const std::uint32_t left = lifecycle_.live();
  acceptor_.stop();
  for (connection_id id = 0; id < shared_.truth.connections.size(); ++id) {
    const connection& open = shared_.truth.connections[id];
    if (open.phase == connection_phase::free || open.descriptor < 0) continue;
    kernel::reset(open.descriptor);
    poller_.close(id);
  }
  shared_.counts.connections.set(0);
  tasks_.abandon();
  asked_to_give_.reset();
  return left;
}

// Commands are looked at right before a turn's wait: one that comes later wakes it.
bool shard::step() {
  follow_command();
  if (done()) return false;
  turn();
  if (asked_to_give_ != nullptr) give_away();
  return !handed_over_;
}

std::uint32_t shard::end() {
  const std::uint32_t left = handed_over_ ? 0 : lifecycle_.live();
  if (!handed_over_) lifecycle_.end_all();
  if (cluster_ && !handed_over_) cluster_->end_turn();
  tasks_.close();
  asked_to_give_.reset();
  program_.end_turn();
  return left;
}

void shard::turn() {
  shared_.clock.begin_turn(wait());
  const std::uint64_t turn_us = shared_.limits.turn_us;
  acceptor_.resume_if_due();
  // Half of the turn is for reading. What comes new and what had to wait have a quarter each where
  // there is both.
  shared_.reading.begin(receiver_.work_left() ? turn_us / 4 : turn_us / 2);
  if (planted(fault::timers_first)) lifecycle_.run_timers(shared_.reading);
  handle_events();
  if (tasks_.work_left()) run_tasks();
  shared_.reading.begin(std::max(turn_us / 2, shared_.clock.spent_us() + turn_us / 4));
  requests_.resume();
  receiver_.resume_paused();
  receiver_.serve_postponed();
  // Behind reading: a frame that has arrived is a sign of life.
  work_budget timers(shared_.clock);
  timers.begin(shared_.clock.spent_us() + turn_us / 8);
  lifecycle_.run_timers(timers);
  timers.begin(shared_.clock.spent_us() + turn_us / 8);
  if (draining_) lifecycle_.drain(timers);
  if (shared_.memory_scarce()) {
    lifecycle_.relieve_memory(timers);
  } else {
    lifecycle_.end_relief();
  }
  reap();
  if (cluster_) cluster_->end_turn();
  flush();
  reap();
  program_.end_turn();
  shared_.counts.log_chunks.set(shared_.truth.chunks.in_use());
  shared_.counts.memory_bytes.set(shared_.memory_used());
  shared_.counts.count_turn(shared_.clock.spent_us());
}

// Returns for how long it was to wait at most.
std::uint32_t shard::wait() {
  if (ready_next_ < ready_count_) return 0;
  const int timeout = timeout_ms();
  ready_next_ = 0;
  ready_count_ = poller_.wait(ready_, timeout);
  return timeout < 0 ? UINT32_MAX : static_cast<std::uint32_t>(timeout);
}

void shard::handle_events() {
  while (ready_next_ < ready_count_) {
    handle(ready_[ready_next_++]);
    if (shared_.reading.spend(units_per_event)) return;
  }
}

void shard::handle(const kernel::event& event) {
  if (event.key == listener_key) return acceptor_.accept_waiting();
  if (event.key == wakeup_key) return answer_wakeup();
  if (cluster_ && cluster_->handle(event.key)) return;
  const connection_id id = poller_.owner_of(event.key);
  if (id == no_id) return;
  const connection& about = shared_.truth.connections[id];
  if (about.phase == connection_phase::dead) return;
  if ((event.what & kernel::broken) != 0) return lifecycle_.peer_gone(id);
  // What was held up is much, mostly: it does not go before what the others ask for.
  if ((event.what & kernel::writable) != 0 && about.blocked) shared_.is_writable(id);
  if ((event.what & kernel::readable) != 0) receiver_.input_came(id);
}

// A socket takes long to close where much waits in it.
void shard::reap() {
  work_budget budget(shared_.clock);
  budget.begin(shared_.clock.spent_us() + shared_.limits.turn_us / 8);
  lifecycle_.reap(budget);
}

// Giving out has its own share of a turn, however long the rest of it took.
void shard::flush() {
  const std::uint64_t turn_us = shared_.limits.turn_us;
  flusher_.begin(std::max(turn_us, shared_.clock.spent_us() + turn_us / 2));
  flusher_.flush_outboxes();
  flusher_.flush_writable();
  flusher_.flush_rooms();
}

// Slow consumers met while flushing have a close frame to send, those who were reaped after it left
// a user_left in their rooms, and a budget may have ended before the last member.
bool shard::work_left() const {
  const bool calls = tasks_.work_left() && !tasks_.held_up() && !shared_.memory_full();
  return calls || receiver_.work_left() || !shared_.links.outbox_queue.empty() ||
         !shared_.links.writable.empty() || !shared_.links.dirty_rooms.empty() ||
         !shared_.links.dead.empty() || (cluster_ && cluster_->work_left());
}

int shard::timeout_ms() const {
  if (work_left()) return 0;
  if (receiver_.anyone_paused() || requests_.anyone_waits() || tasks_.work_left()) return 1;
  std::optional<std::uint32_t> wait = timers_.wait_ms(shared_.clock.now());
  const auto no_later_than = [&](std::uint32_t limit) {
    wait = std::min(wait.value_or(limit), limit);
  };
  if (const auto acceptor = acceptor_.wait_ms()) no_later_than(*acceptor);
  if (cluster_) no_later_than(cluster_->wait_ms());
  if (draining_ || asked_to_give_ != nullptr) no_later_than(10);
  return wait ? static_cast<int>(*wait) : -1;
}

void shard::follow_command() {
  if (!accepting_.load(std::memory_order_acquire)) acceptor_.stop();
  if (command_.load(std::memory_order_acquire) != command::drain || draining_) return;
  draining_ = true;
  drain_since_ = shared_.clock.now();
  acceptor_.stop();
  // What was asked for before the drain comes before its closes.
  tasks_.run([] { return false; });
  lifecycle_.begin_drain();
}

bool shard::done() const {
  const command asked = command_.load(std::memory_order_acquire);
  if (asked == command::stop) return true;
  if (!draining_) return false;
  return lifecycle_.live() == 0 || elapsed_ms(drain_since_, shared_.clock.now()) >=
                                       drain_deadline_ms_.load(std::memory_order_relaxed);
}

void shard::stop() {
  command_.store(command::stop, std::memory_order_release);
  ring();
}

void shard::stop_accepting() {
  accepting_.store(false, std::memory_order_release);
  ring();
}

void shard::drain(std::uint32_t deadline_ms) {
  drain_deadline_ms_.store(deadline_ms, std::memory_order_relaxed);
  command expected = command::serve;
  command_.compare_exchange_strong(expected, command::drain, std::memory_order_acq_rel);
  if (!planted(fault::lost_drain)) ring();
}

status shard::post(task wanted, std::size_t cost) {
  const task_queue::outcome outcome = tasks_.put(
      [this, wanted = std::move(wanted)] {
        wanted(calls_);
        return !calls_.take_refused();
      },
      cost);
  switch (outcome) {
    case task_queue::outcome::taken_first:
      if (!planted(fault::lost_wakeup)) ring();
      [[fallthrough]];
    case task_queue::outcome::taken:
      return {};
    case task_queue::outcome::full:
      return {error::too_many_calls, "calls of " + std::to_string(shared_.limits.calls_bytes_max) +
                                         " bytes wait to be served: wait, or do less"};
    case task_queue::outcome::closed:
      break;
  }
  return {error::not_running, "the server does not run: start it first"};
}

status shard::ask(const task& wanted) {
  if (is_own_thread()) {
    wanted(calls_);
    return {};
  }
  bool served = false;
  std::binary_semaphore done(0);
  // Goes with the task: one that is dropped answers, too.
  std::shared_ptr<void> answer(nullptr, [&done](void*) { done.release(); });
  status taken = post(
      [&wanted, &served, answer = std::move(answer)](program_calls& calls) {
        wanted(calls);
        served = true;
      },
      task_queue::free);
  done.acquire();
  if (!taken || served) return taken;
  return {error::not_running, "the server ended before it served this"};
}

bool shard::is_own_thread() const {
  return thread_.load() == std::this_thread::get_id();
}

void shard::ring() {
  kernel::wake(wakeup_);
}

// The wake-up is cleared first: a task that comes after its queue was emptied wakes again.
void shard::answer_wakeup() {
  kernel::clear_wakeup(wakeup_);
  run_tasks();
}

// What the program asks for waits while memory is full, as what clients ask for does: the bound on
// what may wait tells the program.
void shard::run_tasks() {
  constexpr std::uint32_t units_per_task = 8;
  tasks_.run([this] { return shared_.memory_full() || shared_.reading.spend(units_per_task); });
}

}  // namespace chinwag
