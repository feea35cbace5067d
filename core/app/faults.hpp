#pragma once

#include "chinwag/handlers.hpp"

namespace chinwagd {

// Handlers that do what a defect in a program would do: with CHAT_FAULTS=1 a message `__crash 0`
// makes them throw, and `__spin 2000` takes that many milliseconds; to `__build 0` its sender alone
// is answered which build this is. None otherwise. A kit asks for it and measures what follows.
chinwag::handlers faulty_handlers();

}  // namespace chinwagd
