#include "endpoint.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

#include "failure.hpp"

namespace chinwag::load {
namespace {

constexpr std::uint32_t loopback = 0x7f000001;

sockaddr_in look_up(const std::string& host) {
  addrinfo wanted{};
  wanted.ai_family = AF_INET;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status = getaddrinfo(host.c_str(), nullptr, &wanted, &found);
  if (status != 0) {
    throw failure(exit_code::usage, "--host " + host + ": " + gai_strerror(status) +
                                        ": give an IPv4 address or the name of one");
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  return *reinterpret_cast<const sockaddr_in*>(found->ai_addr);
}

bool is_loopback(const sockaddr_in& address) {
  return ntohl(address.sin_addr.s_addr) >> 24 == loopback >> 24;
}

int bind_source(int fd, std::uint32_t source) {
  // Without this the kernel would take a port at bind, before it knows the destination.
  const int on = 1;
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(loopback + source);
  return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

void set_options(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
}

}  // namespace

std::uint32_t connections_per_source(const std::string& port_range) {
  std::uint32_t low = 32'768;  // the kernel's default, where it does not show its range
  std::uint32_t high = 60'999;
  std::uint32_t shown_low = 0;
  std::uint32_t shown_high = 0;
  if (std::ifstream(port_range) >> shown_low >> shown_high && shown_low <= shown_high) {
    low = shown_low;
    high = shown_high;
  }
  // An eighth is left to others of this host, and to connections that have just ended.
  return std::max((high - low + 1) / 8 * 7, 1U);
}

std::string connect_error(int error) {
  if (error == EADDRNOTAVAIL) {
    return "no source port is left for another connection to there: use more source addresses "
           "(--sources), or widen net.ipv4.ip_local_port_range";
  }
  return std::strerror(error);
}

endpoint resolve(const std::string& host, std::uint16_t port, std::uint32_t sources,
                 std::uint32_t connections) {
  const std::uint32_t of_each = connections_per_source();
  const std::uint32_t needed = (connections + of_each - 1) / of_each;
  endpoint result{look_up(host), host + ":" + std::to_string(port), 1};
  result.server.sin_port = htons(port);
  result.sources = sources == 0 ? needed : sources;
  if (result.sources > 1 && !is_loopback(result.server)) {
    throw failure(exit_code::usage,
                  "--sources: only towards 127.0.0.0/8 does one host have several addresses; at "
                  "most " +
                      std::to_string(of_each) + " connections to " + host);
  }
  return result;
}

int start_connecting(const endpoint& to, std::uint32_t connection) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return -errno;
  }
  set_options(fd);
  const auto* address = reinterpret_cast<const sockaddr*>(&to.server);
  const bool bound = to.sources <= 1 || bind_source(fd, connection % to.sources) == 0;
  if (bound && (connect(fd, address, sizeof(to.server)) == 0 || errno == EINPROGRESS)) {
    return fd;
  }
  const int error = errno;
  close(fd);
  return -error;
}

}  // namespace chinwag::load
