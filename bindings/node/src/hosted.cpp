#include "hosted.hpp"

#include <algorithm>
#include <chrono>
#include <span>
#include <system_error>
#include <utility>

#include "convert.hpp"

namespace chinwag::node {

namespace {

// A few milliseconds of listeners.
constexpr std::size_t events_per_take = 1024;

[[noreturn]] void raise_no_thread(Napi::Env env, const std::system_error& failure) {
  raise(env, error_name(error::system_failure),
        std::string("no thread can be made (") + failure.what() + "): raise the limit of tasks");
}

std::string text_at(const Napi::CallbackInfo& call, std::size_t place) {
  return call[place].As<Napi::String>();
}

}  // namespace

Napi::Function hosted::define(Napi::Env env) {
  return DefineClass(
      env, "Hosted",
      {InstanceMethod<&hosted::start>("start"), InstanceMethod<&hosted::drain>("drain"),
       InstanceMethod<&hosted::stop_accepting>("stopAccepting"),
       InstanceMethod<&hosted::has_ended>("hasEnded"), InstanceMethod<&hosted::let_go>("letGo"),
       InstanceMethod<&hosted::take>("take"), InstanceMethod<&hosted::has_more>("hasMore"),
       InstanceMethod<&hosted::decide>("decide"), InstanceMethod<&hosted::take_logs>("takeLogs"),
       InstanceMethod<&hosted::publish>("publish"), InstanceMethod<&hosted::send_to>("sendTo"),
       InstanceMethod<&hosted::send>("send"), InstanceMethod<&hosted::close>("close"),
       InstanceMethod<&hosted::rooms>("rooms"), InstanceMethod<&hosted::members>("members"),
       InstanceMethod<&hosted::read_stats>("stats")});
}

// new Hosted(options, names of wanted events)
hosted::hosted(const Napi::CallbackInfo& call)
    : Napi::ObjectWrap<hosted>(call),
      around_(environment::of(call.Env())),
      events_([this] { around_->wake(); }),
      server_(std::make_unique<server>(
          read_options(call[0]),
          [this](log_level level, std::string_view text) { log(level, text); },
          events_.make_handlers(read_choice(call[1])))) {}

hosted::~hosted() {
  around_->remove(this);
  end();
}

void hosted::end() {
  if (!server_) return;
  server_->stop();
  // Two threads may not wait for the same one.
  if (drainer_.joinable()) {
    drainer_.join();
  } else {
    server_->join();
  }
}

void hosted::let_go(const Napi::CallbackInfo&) {
  if (!server_) return;
  around_->remove(this);
  end();
  last_ = server_->read_stats();
  server_.reset();
}

server& hosted::running(const Napi::CallbackInfo& call) const {
  if (!server_) check(call.Env(), {error::not_running, "the server was drained: make a new one"});
  return *server_;
}

Napi::Value hosted::start(const Napi::CallbackInfo& call) {
  const listen_result listening = running(call).listen();
  check(call.Env(), listening.outcome);
  try {
    check(call.Env(), running(call).run_in_background());
  } catch (const std::system_error& failure) {
    raise_no_thread(call.Env(), failure);
  }
  around_->add(this);
  return Napi::Number::New(call.Env(), listening.port);
}

void hosted::stop_accepting(const Napi::CallbackInfo& call) {
  running(call).stop_accepting();
}

void hosted::drain(const Napi::CallbackInfo& call) {
  server& drained = running(call);
  if (drainer_.joinable()) return;
  try {
    // A thread of its own: those of the pool may all be busy.
    drainer_ = std::thread([this, &drained] {
      drained.join();
      ended_ = true;
      around_->wake();
    });
  } catch (const std::system_error& failure) {
    raise_no_thread(call.Env(), failure);
  }
  drained.drain(std::chrono::milliseconds(call[0].As<Napi::Number>().Uint32Value()));
}

Napi::Value hosted::has_ended(const Napi::CallbackInfo& call) {
  return Napi::Boolean::New(call.Env(), ended_);
}

Napi::Value hosted::take(const Napi::CallbackInfo& call) {
  if (next_ == taken_.size()) {
    taken_ = events_.take();
    next_ = 0;
  }
  const std::size_t count = std::min(taken_.size() - next_, events_per_take);
  const Napi::Array flat = to_array(call.Env(), std::span(taken_).subspan(next_, count));
  next_ += count;
  if (next_ == taken_.size()) {
    taken_ = {};
    next_ = 0;
  }
  return flat;
}

Napi::Value hosted::has_more(const Napi::CallbackInfo& call) {
  return Napi::Boolean::New(call.Env(), next_ < taken_.size());
}

void hosted::decide(const Napi::CallbackInfo& call) {
  check(call.Env(), running(call).decide(read_decisions(call[0].As<Napi::Array>())));
}

Napi::Value hosted::take_logs(const Napi::CallbackInfo& call) {
  std::vector<std::pair<bool, std::string>> taken;
  {
    const std::lock_guard locked(guard_);
    taken.swap(logs_);
  }
  Napi::Array lines = Napi::Array::New(call.Env(), taken.size());
  std::uint32_t at = 0;
  for (const auto& [warning, text] : taken) {
    const Napi::Object line = Napi::Object::New(call.Env());
    line.Set("warning", warning);
    line.Set("text", text);
    lines[at++] = line;
  }
  return lines;
}

void hosted::publish(const Napi::CallbackInfo& call) {
  check(call.Env(), running(call).publish(text_at(call, 0), text_at(call, 1), text_at(call, 2)));
}

void hosted::send_to(const Napi::CallbackInfo& call) {
  check(call.Env(), running(call).send_to(text_at(call, 0), text_at(call, 1), text_at(call, 2)));
}

void hosted::send(const Napi::CallbackInfo& call) {
  check(call.Env(),
        running(call).send(read_handle(call[0], call[1]), text_at(call, 2), text_at(call, 3)));
}

void hosted::close(const Napi::CallbackInfo& call) {
  const std::uint32_t code = call[2].As<Napi::Number>().Uint32Value();
  check(call.Env(), running(call).close(read_handle(call[0], call[1]),
                                        static_cast<std::uint16_t>(code > 65'535 ? 0 : code)));
}

Napi::Value hosted::rooms(const Napi::CallbackInfo& call) {
  std::vector<room_info> found;
  check(call.Env(), running(call).list_rooms(found));
  Napi::Array pairs = Napi::Array::New(call.Env(), 2 * found.size());
  std::uint32_t at = 0;
  for (const room_info& one : found) {
    pairs[at++] = Napi::String::New(call.Env(), one.name);
    pairs[at++] = Napi::Number::New(call.Env(), one.members);
  }
  return pairs;
}

Napi::Value hosted::members(const Napi::CallbackInfo& call) {
  std::vector<member_info> found;
  check(call.Env(), running(call).list_members(text_at(call, 0), found));
  Napi::Array flat = Napi::Array::New(call.Env(), 3 * found.size());
  std::uint32_t at = 0;
  for (const member_info& one : found) {
    const handle_halves halves = halves_of(one.connection);
    flat[at++] = Napi::Number::New(call.Env(), halves.place);
    flat[at++] = Napi::Number::New(call.Env(), halves.generation);
    flat[at++] = Napi::String::New(call.Env(), one.user);
  }
  return flat;
}

Napi::Value hosted::read_stats(const Napi::CallbackInfo& call) {
  return to_object(call.Env(), server_ ? server_->read_stats() : last_);
}

void hosted::log(log_level level, std::string_view text) {
  {
    const std::lock_guard locked(guard_);
    logs_.emplace_back(level == log_level::warning, text);
  }
  around_->wake();
}

}  // namespace chinwag::node
