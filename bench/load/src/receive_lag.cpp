#include "receive_lag.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "clock.hpp"

namespace chinwag::load {
namespace {

constexpr std::uint32_t reads_per_sample = 16;  // a power of two

// The kernel answers the time of the newest segment read. A short read takes the oldest ones only.
constexpr std::size_t sample_bytes = 2 * 1024;

std::int64_t stamp_in(msghdr& message) {
  for (cmsghdr* item = CMSG_FIRSTHDR(&message); item != nullptr;
       item = CMSG_NXTHDR(&message, item)) {
    if (item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_TIMESTAMPNS) {
      timespec time{};
      std::memcpy(&time, CMSG_DATA(item), sizeof(time));
      return time.tv_sec * ns_per_s + time.tv_nsec;
    }
  }
  return 0;
}

}  // namespace

ssize_t receive_lag::read(int fd, char* into, std::size_t capacity) {
  stamped_bytes_ = 0;
  if (++reads_ % reads_per_sample != 0) {
    return recv(fd, into, capacity, 0);
  }
  const std::size_t sampled = std::min(sample_bytes, capacity);
  const ssize_t first = read_stamped(fd, into, sampled);
  if (first < static_cast<ssize_t>(sampled)) {
    return first;
  }
  const ssize_t rest = recv(fd, into + sampled, capacity - sampled, 0);
  return rest > 0 ? first + rest : first;  // an end or an error is seen by the next read again
}

ssize_t receive_lag::read_stamped(int fd, char* into, std::size_t capacity) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(timespec))];
  iovec part{into, capacity};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t count = recvmsg(fd, &message, 0);
  const std::int64_t stamp = count > 0 ? stamp_in(message) : 0;
  if (stamp != 0) {
    const std::int64_t lag_ns = realtime_ns() - stamp;
    lags_.record(lag_ns);
    stamp_ns_ = monotonic_ns() - lag_ns;
    stamped_bytes_ = static_cast<std::size_t>(count);
  }
  return count;
}

}  // namespace chinwag::load
