#include "hosted.hpp"

#include <array>
#include <chrono>
#include <utility>

#include "options.hpp"

namespace chinwag::node {

namespace {

// Waits for the last connection on a thread of the pool, so that JavaScript goes on meanwhile.
class drain_work : public Napi::AsyncWorker {
 public:
  drain_work(Napi::Env env, std::shared_ptr<server> drained)
      : Napi::AsyncWorker(env),
        server_(std::move(drained)),
        done_(Napi::Promise::Deferred::New(env)) {}

  Napi::Promise promise() const { return done_.Promise(); }

 protected:
  void Execute() override { server_->join(); }
  void OnOK() override { done_.Resolve(Env().Undefined()); }

 private:
  std::shared_ptr<server> server_;
  Napi::Promise::Deferred done_;
};

using counter = std::pair<const char*, std::uint64_t stats::*>;
constexpr std::array<counter, 12> counters = {{{"connections", &stats::connections},
                                               {"rooms", &stats::rooms},
                                               {"members", &stats::members},
                                               {"accepted", &stats::accepted},
                                               {"upgrades", &stats::upgrades},
                                               {"publishes", &stats::publishes},
                                               {"deliveries", &stats::deliveries},
                                               {"direct_deliveries", &stats::direct_deliveries},
                                               {"bytes_in", &stats::bytes_in},
                                               {"bytes_out", &stats::bytes_out},
                                               {"send_calls", &stats::send_calls},
                                               {"slow_consumers", &stats::slow_consumers}}};

}  // namespace

Napi::Function hosted::define(Napi::Env env) {
  return DefineClass(
      env, "Hosted",
      {InstanceMethod<&hosted::port>("port"), InstanceMethod<&hosted::read_stats>("stats"),
       InstanceMethod<&hosted::drain>("drain")});
}

hosted::hosted(const Napi::CallbackInfo& call)
    : Napi::ObjectWrap<hosted>(call), server_(std::make_shared<server>(read_options(call[0]))) {
  const listen_result listening = server_->listen();
  check(call.Env(), listening.outcome);
  port_ = listening.port;
  check(call.Env(), server_->run_in_background());
}

Napi::Value hosted::port(const Napi::CallbackInfo& call) {
  return Napi::Number::New(call.Env(), port_);
}

Napi::Value hosted::read_stats(const Napi::CallbackInfo& call) {
  const stats counted = server_->read_stats();
  const Napi::Object named = Napi::Object::New(call.Env());
  // Doubles hold every count below 2^53 exactly.
  for (const auto& [name, field] : counters) named.Set(name, static_cast<double>(counted.*field));
  return named;
}

Napi::Value hosted::drain(const Napi::CallbackInfo& call) {
  const auto deadline = std::chrono::milliseconds(call[0].ToNumber().Int64Value());
  server_->drain(deadline);
  // The worker deletes itself once its promise is settled.
  auto* work = new drain_work(call.Env(), server_);
  work->Queue();
  return work->promise();
}

}  // namespace chinwag::node
