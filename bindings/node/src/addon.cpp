#include <napi.h>

#include "chinwag/version.hpp"
#include "hosted.hpp"

static Napi::Object start(Napi::Env env, Napi::Object exports) {
  exports.Set("Hosted", chinwag::node::hosted::define(env));
  exports.Set("version", Napi::String::New(env, chinwag::version));
  return exports;
}

NODE_API_MODULE(chinwag, start)
