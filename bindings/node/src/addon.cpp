#include <napi.h>

#include <memory>

#include "chinwag/version.hpp"
#include "convert.hpp"
#include "environment.hpp"
#include "hosted.hpp"

namespace chinwag::node {

namespace {

void check_options(const Napi::CallbackInfo& call) {
  read_options(call[0]);
}

void on_wake(const Napi::CallbackInfo& call) {
  environment::of(call.Env())->on_wake(call[0].As<Napi::Function>());
}

Napi::Value list_errors(const Napi::CallbackInfo& call) {
  Napi::Array names = Napi::Array::New(call.Env());
  std::uint32_t at = 0;
  for (const error code : error_list())
    names[at++] = Napi::String::New(call.Env(), error_name(code));
  return names;
}

// [name, default as text, help, ...]
Napi::Value list_options(const Napi::CallbackInfo& call) {
  const options defaults;
  Napi::Array flat = Napi::Array::New(call.Env());
  std::uint32_t at = 0;
  for (const option_info& one : option_list()) {
    flat[at++] = Napi::String::New(call.Env(), one.name);
    flat[at++] = Napi::String::New(call.Env(), get_option(defaults, one.name));
    flat[at++] = Napi::String::New(call.Env(), one.help);
  }
  return flat;
}

Napi::Object start(Napi::Env env, Napi::Object exports) {
  // Deleted with the environment.
  env.SetInstanceData(new environment_data{std::make_shared<environment>(env)});
  exports.Set("Hosted", hosted::define(env));
  exports.Set("checkOptions", Napi::Function::New<check_options>(env));
  exports.Set("onWake", Napi::Function::New<on_wake>(env));
  exports.Set("listErrors", Napi::Function::New<list_errors>(env));
  exports.Set("listOptions", Napi::Function::New<list_options>(env));
  exports.Set("version", Napi::String::New(env, version));
  return exports;
}

}  // namespace

}  // namespace chinwag::node

static Napi::Object start(Napi::Env env, Napi::Object exports) {
  return chinwag::node::start(env, exports);
}

NODE_API_MODULE(chinwag, start)
