#pragma once

#include <napi.h>

#include <memory>

#include "chinwag/server.hpp"

namespace chinwag::node {

// A running server behind a JavaScript object. The shard has a thread of its own and never enters
// the JavaScript engine. Used from the thread of its environment only.
class hosted : public Napi::ObjectWrap<hosted> {
 public:
  static Napi::Function define(Napi::Env env);

  explicit hosted(const Napi::CallbackInfo& call);

 private:
  Napi::Value port(const Napi::CallbackInfo& call);
  Napi::Value read_stats(const Napi::CallbackInfo& call);
  Napi::Value drain(const Napi::CallbackInfo& call);

  // Shared with a drain on its way: the object may be collected before that ends.
  std::shared_ptr<server> server_;
  std::uint16_t port_ = 0;
};

}  // namespace chinwag::node
