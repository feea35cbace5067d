#pragma once

#include <cstdint>
#include <vector>

namespace chinwag::floor {

// How many bytes the reader takes before it tells the sender, by one byte through a pipe.
constexpr std::uint64_t credit_bytes = 1 << 20;

// Reads whatever arrives and looks at none of it, until all connections were closed.
// Throws std::system_error.
void read_until_closed(const std::vector<int>& connections, int credits);

struct cost {
  std::uint64_t writes = 0;
  double seconds = 0;
  double cpu_s = 0;  // user and system time of this process
};

// Writes the bytes to each connection in turn, as many whole turns as fit into the time, at least
// one. Throws std::system_error, also when the reader has ended.
cost send_for(double seconds, const std::vector<int>& connections, const std::vector<char>& bytes,
              int credits);

}  // namespace chinwag::floor
