#include "environment.hpp"

#include "hosted.hpp"

namespace chinwag::node {

std::shared_ptr<environment> environment::of(Napi::Env env) {
  return env.GetInstanceData<environment_data>()->shared;
}

void environment::on_wake(const Napi::Function& take) {
  const Napi::String name = Napi::String::New(env_, "chinwag");
  napi_threadsafe_function made = nullptr;
  const napi_status outcome = napi_create_threadsafe_function(
      env_, take, nullptr, name, 0, 1, nullptr, nullptr, this, &environment::call, &made);
  if (outcome != napi_ok) throw Napi::Error::New(env_, "no thread-safe function could be made");
  napi_unref_threadsafe_function(env_, made);
  const std::lock_guard locked(guard_);
  function_ = made;
  // Hooks run in reverse order: this one before the one that ends the function.
  env_.AddCleanupHook(&environment::end, this);
}

void environment::add(hosted* running) {
  running_.insert(running);
  napi_ref_threadsafe_function(env_, function_);
}

void environment::remove(hosted* ended) {
  if (running_.erase(ended) == 0 || !running_.empty() || function_ == nullptr) return;
  napi_unref_threadsafe_function(env_, function_);
}

void environment::wake() {
  const std::lock_guard locked(guard_);
  if (function_ == nullptr || pending_) return;
  pending_ = napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking) == napi_ok;
}

void environment::call(napi_env env, napi_value function, void* context, void*) {
  if (env == nullptr) return;  // the environment is ending
  auto* self = static_cast<environment*>(context);
  {
    const std::lock_guard locked(self->guard_);
    self->pending_ = false;
  }
  napi_value receiver = nullptr;
  napi_get_undefined(env, &receiver);
  if (napi_call_function(env, receiver, function, 0, nullptr, nullptr) != napi_pending_exception) {
    return;
  }
  // What a handler threw and nobody caught: to process.on('uncaughtException').
  napi_value thrown = nullptr;
  napi_get_and_clear_last_exception(env, &thrown);
  napi_fatal_exception(env, thrown);
}

void environment::end(environment* self) {
  {
    const std::lock_guard locked(self->guard_);
    self->function_ = nullptr;
  }
  for (hosted* one : self->running_) one->end();
  self->running_.clear();
}

}  // namespace chinwag::node
