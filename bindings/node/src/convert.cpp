#include "convert.hpp"

#include <string>

namespace chinwag::node {

void raise(Napi::Env env, const std::string& code, const std::string& text) {
  Napi::Error raised = Napi::Error::New(env, text);
  raised.Set("code", code);
  throw raised;
}

void check(Napi::Env env, const status& outcome) {
  if (!outcome) raise(env, error_name(outcome.code), outcome.text);
}

options read_options(const Napi::Value& given) {
  options settings;
  settings.port = 0;
  if (!given.IsObject()) return settings;
  const Napi::Object by_name = given.As<Napi::Object>();
  const Napi::Array names = by_name.GetPropertyNames();
  for (std::uint32_t i = 0; i < names.Length(); ++i) {
    const Napi::Value name = names[i];
    const Napi::Value value = by_name.Get(name);
    if (value.IsUndefined()) continue;
    const std::string text = value.ToString();
    check(given.Env(), set_option(settings, name.ToString().Utf8Value(), text));
  }
  check(given.Env(), validate(settings));
  return settings;
}

event_choice read_choice(const Napi::Value& names) {
  event_choice wanted;
  if (!names.IsArray()) return wanted;
  const Napi::Array list = names.As<Napi::Array>();
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    const std::string name = list.Get(i).ToString();
    wanted.open = wanted.open || name == "open";
    wanted.join = wanted.join || name == "join";
    wanted.message = wanted.message || name == "message";
    wanted.close = wanted.close || name == "close";
  }
  return wanted;
}

handle_halves halves_of(connection_handle handle) {
  const auto whole = static_cast<std::uint64_t>(handle);
  return {static_cast<std::uint32_t>(whole), static_cast<std::uint32_t>(whole >> 32)};
}

connection_handle read_handle(const Napi::Value& place, const Napi::Value& generation) {
  return connection_handle{std::uint64_t{generation.As<Napi::Number>().Uint32Value()} << 32 |
                           place.As<Napi::Number>().Uint32Value()};
}

Napi::Array to_array(Napi::Env env, std::span<const event> events) {
  Napi::Array flat = Napi::Array::New(env, 7 * events.size());
  std::uint32_t at = 0;
  for (const event& one : events) {
    const handle_halves from = halves_of(one.ticket.from);
    flat[at++] = Napi::Number::New(env, static_cast<double>(one.kind));
    flat[at++] = Napi::Number::New(env, from.place);
    flat[at++] = Napi::Number::New(env, from.generation);
    flat[at++] = Napi::Number::New(env, static_cast<double>(one.ticket.number));
    flat[at++] = Napi::String::New(env, one.user);
    flat[at++] = Napi::String::New(env, one.room);
    if (one.kind == event_kind::close) {
      flat[at++] = Napi::Number::New(env, one.code);
    } else {
      flat[at++] = Napi::String::New(env, one.content);
    }
  }
  return flat;
}

std::vector<decision> read_decisions(const Napi::Array& given) {
  std::vector<decision> decisions;
  decisions.reserve(given.Length() / 6);
  for (std::uint32_t at = 0; at + 6 <= given.Length(); at += 6) {
    decision one;
    const Napi::Value number = given[at + 2];
    const Napi::Value kind = given[at + 3];
    one.about.from = read_handle(given[at], given[at + 1]);
    one.about.number = static_cast<std::uint64_t>(number.As<Napi::Number>().Int64Value());
    one.outcome.what = static_cast<verdict::kind>(kind.As<Napi::Number>().Uint32Value());
    if (one.outcome.what != verdict::kind::accept) {
      const Napi::Value text = given[at + 4];
      const Napi::Value code = given[at + 5];
      one.outcome.text = text.ToString();
      if (one.outcome.what == verdict::kind::refuse &&
          !find_refusal(code.ToString().Utf8Value(), one.outcome.code)) {
        raise(given.Env(), "bad_refusal",
              "no refusal is called '" + code.ToString().Utf8Value() +
                  "': give forbidden, rate_limited, unavailable or bad_request");
      }
    }
    decisions.push_back(std::move(one));
  }
  return decisions;
}

// Doubles hold every count below 2^53 exactly.
Napi::Object to_object(Napi::Env env, const stats& counted) {
  const Napi::Object named = Napi::Object::New(env);
  for (const named_count& one : name_counts(counted)) {
    const auto value = static_cast<double>(one.value);
    if (one.kind == nullptr) {
      named.Set(one.name, value);
      continue;
    }
    if (!named.Has(one.name)) named.Set(one.name, Napi::Object::New(env));
    named.Get(one.name).As<Napi::Object>().Set(one.kind, value);
  }
  return named;
}

}  // namespace chinwag::node
