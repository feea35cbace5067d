#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <system_error>

#include "both_ends.hpp"
#include "sockets.hpp"

namespace chinwag::floor {
namespace {

// Far enough ahead that the reader finds work, and not so far that a socket's buffer is full.
constexpr std::uint64_t window_bytes = 4 * credit_bytes;

double read_clock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void send_all(int connection, const std::vector<char>& bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const auto left = bytes.size() - sent;
    const auto taken = checked(send(connection, &bytes[sent], left, MSG_NOSIGNAL), "send");
    sent += static_cast<std::size_t>(taken);
  }
}

std::uint64_t read_credits(int credits) {
  std::array<char, 64> heard{};
  const auto count = checked(read(credits, heard.data(), heard.size()), "hear the reader");
  if (count == 0) {
    throw std::system_error(EPIPE, std::generic_category(), "the reading process has ended");
  }
  return static_cast<std::uint64_t>(count) * credit_bytes;
}

}  // namespace

cost send_for(double seconds, const std::vector<int>& connections, const std::vector<char>& bytes,
              int credits) {
  cost found;
  std::uint64_t ahead_bytes = 0;
  const double begin = read_clock(CLOCK_MONOTONIC);
  const double cpu_before_s = read_clock(CLOCK_PROCESS_CPUTIME_ID);
  do {
    for (const int connection : connections) {
      send_all(connection, bytes);
      ahead_bytes += bytes.size();
      if (ahead_bytes > window_bytes) {
        ahead_bytes -= read_credits(credits);
      }
    }
    found.writes += connections.size();
    found.seconds = read_clock(CLOCK_MONOTONIC) - begin;
  } while (found.seconds < seconds);
  found.cpu_s = read_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu_before_s;
  return found;
}

}  // namespace chinwag::floor
