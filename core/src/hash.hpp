#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace chinwag {

using hash_key = std::array<std::uint64_t, 2>;

// SipHash (Aumasson and Bernstein), 1 round a block and 3 at the end: names come from the network,
// so an index of them must not be steered into collisions.
std::uint64_t siphash13(std::string_view text, const hash_key& key);

// The original 2-4 form, which has published test values.
std::uint64_t siphash24(std::string_view text, const hash_key& key);

}  // namespace chinwag
