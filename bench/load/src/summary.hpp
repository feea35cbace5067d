#pragma once

#include <string>

#include "hold_result.hpp"
#include "storm_result.hpp"

namespace chinwag::load {

// The result as a page for people.
std::string summary_of(const hold_result& result);
std::string summary_of(const storm_result& result);

}  // namespace chinwag::load
