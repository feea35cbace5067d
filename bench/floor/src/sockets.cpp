#include "sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace chinwag::floor {
namespace {

int tcp_socket() {
  return static_cast<int>(checked(socket(AF_INET, SOCK_STREAM, 0), "socket"));
}

}  // namespace

void occupy_standard_streams() {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream) {
    if (fcntl(stream, F_GETFD) < 0 && errno == EBADF) {
      open("/dev/null", O_RDONLY);  // takes the lowest number, which is this one
    }
  }
}

connections connect_over_loopback(std::uint32_t count) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  const int listener = tcp_socket();
  checked(bind(listener, generic, size), "bind to 127.0.0.1");
  checked(listen(listener, 1), "listen");
  checked(getsockname(listener, generic, &size), "getsockname");
  connections made;
  const int on = 1;
  while (made.sending.size() < count) {
    made.reading.push_back(tcp_socket());
    checked(connect(made.reading.back(), generic, size), "connect");
    made.sending.push_back(static_cast<int>(checked(accept(listener, nullptr, nullptr), "accept")));
    // As every server does: a frame must not wait for the acknowledgement of the one before.
    setsockopt(made.sending.back(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  close(listener);
  return made;
}

void close_all(const std::vector<int>& descriptors) {
  for (const int descriptor : descriptors) {
    close(descriptor);
  }
}

void pin_to(const std::vector<int>& cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores) {
    CPU_SET(static_cast<unsigned>(core), &set);
  }
  if (!cores.empty()) {
    checked(sched_setaffinity(0, sizeof set, &set), "run on the given cores");
  }
}

long checked(long result, const std::string& what) {
  return result >= 0 ? result : throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace chinwag::floor
