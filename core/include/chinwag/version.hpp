#pragma once

namespace chinwag {

inline constexpr const char* version = CHINWAG_VERSION;

}  // namespace chinwag
