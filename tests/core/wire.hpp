#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wire/frame.hpp"

namespace chinwag::test {

// Frames of RFC 6455 section 5.2, built and read by nothing of the code under test.

// A masked client frame.
std::string client_frame(opcode code, std::string_view payload, bool final = true,
                         std::uint32_t key = 0x37FA213D);

struct wire_frame {
  opcode code;
  std::string payload;
  friend bool operator==(const wire_frame&, const wire_frame&) = default;
};

// What is wrong with the header of the server frame at the front of `bytes`; empty if it is right,
// or not all there yet. Right is: final, no reserved bit, a known opcode, not masked, and the
// length in its shortest form.
std::string server_frame_fault(std::string_view bytes);

// Takes the whole server frames off the front of `bytes`. A wrong one fails the test and ends it.
std::vector<wire_frame> take_server_frames(std::string& bytes);

}  // namespace chinwag::test
