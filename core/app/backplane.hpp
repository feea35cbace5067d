#pragma once

#include <memory>
#include <string>

#include "chinwag/backplane.hpp"
#include "chinwag/error.hpp"

namespace chinwagd {

// What carries messages to other nodes by the URL of --backplane; none for an empty one.
struct backplane_or_problem {
  std::unique_ptr<chinwag::backplane> made{};
  chinwag::status problem{};
};
backplane_or_problem make_backplane(const std::string& url);

}  // namespace chinwagd
