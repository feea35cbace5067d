#pragma once

#include <cstdint>

namespace chinwagd {

// Raises the limit of open files as far as it goes without privileges; returns what it is now.
std::uint64_t raise_descriptor_limit();

}  // namespace chinwagd
