#include <sys/epoll.h>
#include <unistd.h>

#include <array>

#include "both_ends.hpp"
#include "sockets.hpp"

namespace chinwag::floor {

void read_until_closed(const std::vector<int>& connections, int credits) {
  const int poller = static_cast<int>(checked(epoll_create1(0), "epoll_create1"));
  for (const int connection : connections) {
    epoll_event wanted{EPOLLIN, {.fd = connection}};
    checked(epoll_ctl(poller, EPOLL_CTL_ADD, connection, &wanted), "epoll_ctl");
  }
  std::array<epoll_event, 1024> ready{};
  std::array<char, 1 << 16> ignored{};
  std::uint64_t taken = 0;
  for (std::size_t open = connections.size(); open > 0;) {
    const auto count = checked(epoll_wait(poller, ready.data(), ready.size(), -1), "epoll_wait");
    for (std::size_t index = 0; index < static_cast<std::size_t>(count); ++index) {
      const int connection = ready[index].data.fd;
      const auto bytes = checked(read(connection, ignored.data(), ignored.size()), "read");
      taken += static_cast<std::uint64_t>(bytes);
      if (bytes == 0) {
        close(connection);
        --open;
      }
    }
    for (; taken >= credit_bytes; taken -= credit_bytes) {
      checked(write(credits, "", 1), "tell the sender");
    }
  }
}

}  // namespace chinwag::floor
