#include "options.hpp"

#include <string>

namespace chinwag::node {

void check(Napi::Env env, const status& outcome) {
  if (outcome) return;
  Napi::Error raised = Napi::Error::New(env, outcome.text);
  raised.Set("code", error_name(outcome.code));
  throw raised;
}

options read_options(const Napi::Value& given) {
  options settings;
  settings.port = 0;
  if (!given.IsObject()) return settings;
  const Napi::Object by_name = given.As<Napi::Object>();
  const Napi::Array names = by_name.GetPropertyNames();
  for (std::uint32_t i = 0; i < names.Length(); ++i) {
    const Napi::Value name = names[i];
    const std::string text = by_name.Get(name).ToString();
    check(given.Env(), set_option(settings, name.ToString().Utf8Value(), text));
  }
  check(given.Env(), validate(settings));
  return settings;
}

}  // namespace chinwag::node
