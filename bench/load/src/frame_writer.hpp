#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "frame.hpp"

namespace chinwag::load {

// Writes a client's frames: whole, and masked with a new key each (RFC 6455, section 5.3).
class frame_writer {
 public:
  explicit frame_writer(std::uint64_t seed) : state_(seed) {}

  // Appends one frame whose payload is the parts in a row.
  void append(std::string& out, opcode op, std::initializer_list<std::string_view> parts);

 private:
  std::uint32_t next_key();

  std::uint64_t state_;
};

}  // namespace chinwag::load
