#pragma once

#include <napi.h>

#include <memory>
#include <mutex>
#include <set>

namespace chinwag::node {

class hosted;

// What the servers of one Node.js environment (the main thread or a worker) share: one thread-safe
// function, which calls JavaScript at most once for everything that happened until then.
class environment {
 public:
  explicit environment(Napi::Env env) : env_(env) {}
  // The one of this environment; servers share it, since the order in which Node.js deletes things
  // at the end is its own.
  static std::shared_ptr<environment> of(Napi::Env env);
  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;

  // The function that takes what waits.
  void on_wake(const Napi::Function& take);

  // A running server keeps the process alive and is stopped when the environment ends.
  void add(hosted* running);
  void remove(hosted* ended);

  // From any thread.
  void wake();

 private:
  static void call(napi_env env, napi_value function, void* context, void* data);
  static void end(environment* self);

  Napi::Env env_;
  std::set<hosted*> running_;  // used by the environment's thread only
  std::mutex guard_;
  napi_threadsafe_function function_ = nullptr;  // null before the first wake and after the end
  bool pending_ = false;                         // a call is on its way
};

// What Node.js keeps for the environment.
struct environment_data {
  std::shared_ptr<environment> shared;
};

}  // namespace chinwag::node
