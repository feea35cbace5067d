#pragma once

#include <memory>

#include "chinwag/backplane.hpp"
#include "redis_url.hpp"

namespace chinwagd {

// A backplane over the publish and subscribe commands of Redis 2.8 or newer, or what speaks as it
// does. A host that is a name is looked up at every attempt to connect, which holds up the server.
std::unique_ptr<chinwag::backplane> redis_backplane(redis_address address);

}  // namespace chinwagd
