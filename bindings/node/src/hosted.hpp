#pragma once

#include <napi.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "chinwag/event_queue.hpp"
#include "chinwag/server.hpp"
#include "environment.hpp"

namespace chinwag::node {

// A server behind a JavaScript object. Its thread never enters the JavaScript engine: what it has
// to tell waits in a queue. Used from the thread of its environment only.
class hosted : public Napi::ObjectWrap<hosted> {
 public:
  static Napi::Function define(Napi::Env env);

  explicit hosted(const Napi::CallbackInfo& call);
  ~hosted() override;

  // Stops at once, for an environment that ends.
  void end();
  // It was drained: gives back what it held, which the collector might do much later.
  void let_go();

 private:
  Napi::Value start(const Napi::CallbackInfo& call);
  Napi::Value drain(const Napi::CallbackInfo& call);
  Napi::Value take(const Napi::CallbackInfo& call);
  void decide(const Napi::CallbackInfo& call);
  Napi::Value take_logs(const Napi::CallbackInfo& call);
  void publish(const Napi::CallbackInfo& call);
  void send_to(const Napi::CallbackInfo& call);
  void send(const Napi::CallbackInfo& call);
  void close(const Napi::CallbackInfo& call);
  Napi::Value rooms(const Napi::CallbackInfo& call);
  Napi::Value members(const Napi::CallbackInfo& call);
  Napi::Value read_stats(const Napi::CallbackInfo& call);
  void log(log_level level, std::string_view text);
  server& running(const Napi::CallbackInfo& call) const;

  std::shared_ptr<environment> around_;
  event_queue events_;
  std::mutex guard_;
  std::vector<std::pair<bool, std::string>> logs_;
  // Null after a drain; shared with one on its way.
  std::shared_ptr<server> server_;
  stats last_;  // of a server that was drained
};

}  // namespace chinwag::node
