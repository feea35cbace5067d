#pragma once

#include <napi.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "chinwag/event_queue.hpp"
#include "chinwag/options.hpp"
#include "chinwag/stats.hpp"

namespace chinwag::node {

// Throws a JavaScript error with this name in `.code`.
[[noreturn]] void raise(Napi::Env env, const std::string& code, const std::string& text);

// Throws a JavaScript error with the core's name for it in `.code`, unless all is well.
void check(Napi::Env env, const status& outcome);

// Reads an object of options by name; one that is undefined is not given. Throws a JavaScript error
// with `.code` on what is not valid.
options read_options(const Napi::Value& given);

event_choice read_choice(const Napi::Value& names);

// JavaScript's numbers hold 53 bits, so a handle crosses in two.
struct handle_halves {
  std::uint32_t place;
  std::uint32_t generation;
};
handle_halves halves_of(connection_handle handle);
connection_handle read_handle(const Napi::Value& place, const Napi::Value& generation);

// One flat array: kind, place, generation, number, user, room, content or close code of each event.
Napi::Array to_array(Napi::Env env, std::span<const event> events);

// From a flat array: place, generation, number, kind, text, code of each.
std::vector<decision> read_decisions(const Napi::Array& given);

// Counters by name; those of several kinds as an object of their own.
Napi::Object to_object(Napi::Env env, const stats& counted);

}  // namespace chinwag::node
