#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace chinwag::floor {

// The two ends of each connection; they live until closed. All functions throw std::system_error.
struct connections {
  std::vector<int> sending;
  std::vector<int> reading;
};

connections connect_over_loopback(std::uint32_t count);
void close_all(const std::vector<int>& descriptors);
void pin_to(const std::vector<int>& cores);

// Gives each standard stream that the caller closed a descriptor that can't be written, so that no
// socket takes its number.
void occupy_standard_streams();

// Throws what errno says where `result` is negative, and else returns it.
long checked(long result, const std::string& what);

}  // namespace chinwag::floor
