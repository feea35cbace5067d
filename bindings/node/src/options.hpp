#pragma once

#include <napi.h>

#include "chinwag/error.hpp"
#include "chinwag/options.hpp"

namespace chinwag::node {

// Reads an object of options by name. Throws a JavaScript error with `.code` on what is not valid.
options read_options(const Napi::Value& given);

// Throws a JavaScript error with the core's name for it in `.code`, unless all is well.
void check(Napi::Env env, const status& outcome);

}  // namespace chinwag::node
