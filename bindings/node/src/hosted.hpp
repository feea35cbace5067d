#pragma once

#include <napi.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
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

 private:
  Napi::Value start(const Napi::CallbackInfo& call);
  void stop_accepting(const Napi::CallbackInfo& call);
  // Returns at once; when the server has ended, has_ended() is true and JavaScript is woken.
  void drain(const Napi::CallbackInfo& call);
  Napi::Value has_ended(const Napi::CallbackInfo& call);
  // It was drained: gives back what it held, which the collector might do much later.
  void let_go(const Napi::CallbackInfo& call);
  // At most so many events that the program's loop gets to do something else.
  Napi::Value take(const Napi::CallbackInfo& call);
  Napi::Value has_more(const Napi::CallbackInfo& call);
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
  std::vector<event> taken_;
  std::size_t next_ = 0;  // of those, the first that the program has not seen
  std::mutex guard_;
  std::vector<std::pair<bool, std::string>> logs_;
  std::atomic<bool> ended_{false};
  std::unique_ptr<server> server_;  // null after a drain
  std::thread drainer_;             // waits for the end of a drain
  stats last_;                      // of a server that was drained
};

}  // namespace chinwag::node
