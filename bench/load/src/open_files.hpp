#pragma once

#include <cstdint>

namespace chinwag::load {

// Raises this process's limit on open files to what so many connections need. Throws `failure` when
// it may not.
void reserve_open_files(std::uint32_t connections);

}  // namespace chinwag::load
