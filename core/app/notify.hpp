#pragma once

namespace chinwagd {

// Tells the service manager that this process serves, and is the one to follow (sd_notify(3):
// READY and MAINPID to NOTIFY_SOCKET). Without a service manager that asks for it, nothing.
void notify_serving();

}  // namespace chinwagd
