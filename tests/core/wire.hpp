#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wire/frame.hpp"

namespace chinwag::test {

// A masked client frame.
std::string client_frame(opcode code, std::string_view payload, bool final = true,
                         std::uint32_t key = 0x37FA213D);

struct wire_frame {
  opcode code;
  std::string payload;
  friend bool operator==(const wire_frame&, const wire_frame&) = default;
};

// Takes the whole server frames off the front of `bytes`.
std::vector<wire_frame> take_server_frames(std::string& bytes);

}  // namespace chinwag::test
