#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace chinwag {

using mask_key = std::array<unsigned char, 4>;

// Undoes the client's masking in place (RFC 6455 section 5.3). `phase` is how many bytes of the
// same frame were unmasked before, so that a payload may arrive in pieces.
void unmask(std::span<char> payload, const mask_key& key, std::size_t phase = 0);

}  // namespace chinwag
