#pragma once

#include <sys/types.h>

namespace chinwagd {

// The name of the thread of a server that waits for requests.
inline constexpr char upgrader_thread[] = "chinwag-upgrade";

// `chinwagd upgrade`: asks the server in that process, and waits until a successor serves. Returns
// the exit code. A process that is no server of this kind gets no signal.
int ask_for_upgrade(pid_t server);

}  // namespace chinwagd
