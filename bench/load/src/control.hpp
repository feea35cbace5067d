#pragma once

#include "failure.hpp"
#include "generator.hpp"

namespace chinwag::load {

// Obeys commands, one JSON object a line on standard input, and answers with events, one a line on
// standard output, until `quit` or the end of the input. Connections are served while it waits.
// `defaults`: of a hold. Throws `failure` at a wrong command.
void obey(generator& generator, std::uint32_t connections, const hold_request& defaults);

// One event line.
void tell_error(exit_code code, const std::string& message);

}  // namespace chinwag::load
