#include "hosted.hpp"

#include <sys/eventfd.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <system_error>
#include <utility>

#include "convert.hpp"
#include "errors.hpp"

namespace chinwag::python {

namespace py = pybind11;

namespace {

// A few milliseconds of handlers.
constexpr std::size_t events_per_take = 1024;

[[noreturn]] void raise_no_thread(const std::system_error& failure) {
  raise(error_name(error::system_failure),
        std::string("no thread can be made (") + failure.what() + "): raise the limit of tasks");
}

}  // namespace

hosted::hosted(const py::dict& given, event_choice wanted)
    : bell_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), events_([this] { ring(); }) {
  options settings = read_options(given);
  if (bell_ < 0) check({error::no_descriptors, "no free file descriptor: raise ulimit -n"});
  server_ = std::make_unique<server>(
      std::move(settings), [this](log_level level, std::string_view text) { log(level, text); },
      events_.make_handlers(wanted));
}

hosted::~hosted() {
  // After a fork the thread that serves is not in this process: nothing can be waited for.
  if (::getpid() != owner_) {
    static_cast<void>(drainer_.release());  // NOLINT(bugprone-unused-return-value)
    static_cast<void>(server_.release());   // NOLINT(bugprone-unused-return-value)
  } else {
    without_lock([this] {
      server_->stop();
      join();
      server_.reset();
      return status{};
    });
  }
  if (bell_ >= 0) ::close(bell_);
}

server& hosted::engine() const {
  if (::getpid() != owner_) {
    raise("forked",
          "this server belongs to the process that forked; make a new one here, or use the "
          "'spawn' start method");
  }
  return *server_;
}

std::uint16_t hosted::start() {
  const listen_result listening = engine().listen();
  check(listening.outcome);
  try {
    check(engine().run_in_background());
  } catch (const std::system_error& failure) {
    raise_no_thread(failure);
  }
  return listening.port;
}

void hosted::stop() {
  server& stopped = engine();
  without_lock([&] {
    stopped.stop();
    join();
    return status{};
  });
}

void hosted::stop_accepting() {
  engine().stop_accepting();
}

void hosted::drain(std::uint32_t deadline_ms) {
  server& drained = engine();
  const std::lock_guard locked(guard_);
  if (!drainer_) {
    try {
      drainer_ = std::make_unique<std::thread>([this, &drained] {
        drained.join();
        ended_ = true;
        ring();
      });
    } catch (const std::system_error& failure) {
      raise_no_thread(failure);
    }
  }
  drained.drain(std::chrono::milliseconds(deadline_ms));
}

// Waits for the end of the server that was told to end. Two threads may not wait for the same one.
void hosted::join() {
  std::unique_ptr<std::thread> drainer;
  {
    const std::lock_guard locked(guard_);
    drainer.swap(drainer_);
  }
  if (drainer) {
    drainer->join();
  } else {
    server_->join();
  }
}

py::list hosted::take() {
  std::uint64_t rung = 0;
  [[maybe_unused]] const ssize_t got = ::read(bell_, &rung, sizeof rung);
  if (!has_more()) {
    taken_ = events_.take();
    next_ = 0;
  }
  const std::size_t count = std::min(taken_.size() - next_, events_per_take);
  const py::list list = to_list(std::span(taken_).subspan(next_, count));
  next_ += count;
  if (has_more()) {
    ring();
  } else {
    taken_ = {};
    next_ = 0;
  }
  return list;
}

void hosted::decide(const py::list& decisions) {
  check(engine().decide(read_decisions(decisions)));
}

py::list hosted::take_logs() {
  std::vector<std::pair<bool, std::string>> taken;
  {
    const std::lock_guard locked(guard_);
    taken.swap(logs_);
  }
  py::list lines;
  for (const auto& [warning, text] : taken) lines.append(py::make_tuple(warning, text));
  return lines;
}

void hosted::publish(std::string_view room, std::string_view content, std::string_view user) {
  check(engine().publish(room, content, user));
}

void hosted::send_to(std::string_view to, std::string_view content, std::string_view user) {
  check(engine().send_to(to, content, user));
}

void hosted::send(std::uint64_t handle, std::string_view content, std::string_view user) {
  server& asked = engine();
  check(without_lock([&] { return asked.send(connection_handle{handle}, content, user); }));
}

void hosted::close(std::uint64_t handle, std::uint16_t code) {
  server& asked = engine();
  check(without_lock([&] { return asked.close(connection_handle{handle}, code); }));
}

py::dict hosted::rooms() const {
  std::vector<room_info> found;
  server& asked = engine();
  check(without_lock([&] { return asked.list_rooms(found); }));
  py::dict sizes;
  for (const room_info& one : found) sizes[py::str(one.name)] = one.members;
  return sizes;
}

py::list hosted::members(std::string_view room) const {
  std::vector<member_info> found;
  server& asked = engine();
  check(without_lock([&] { return asked.list_members(room, found); }));
  py::list members;
  for (const member_info& one : found) {
    members.append(py::make_tuple(static_cast<std::uint64_t>(one.connection), one.user));
  }
  return members;
}

py::dict hosted::read_stats() const {
  return to_dict(engine().read_stats());
}

void hosted::ring() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(bell_, &one, sizeof one);
}

void hosted::log(log_level level, std::string_view text) {
  {
    const std::lock_guard locked(guard_);
    logs_.emplace_back(level == log_level::warning, text);
  }
  ring();
}

}  // namespace chinwag::python
