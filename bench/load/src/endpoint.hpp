#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string>

namespace chinwag::load {

// Where the server listens, and how many of this host's addresses connections come from.
struct endpoint {
  sockaddr_in server;
  std::string authority;  // "127.0.0.1:4000", for people and for the Host field
  std::uint32_t sources;  // 127.0.0.1 to 127.0.0.N take turns; 1: the kernel chooses
};

// One address can only have so many ports towards one destination: most of those that the kernel
// gives to outgoing connections.
std::uint32_t connections_per_source(
    const std::string& port_range = "/proc/sys/net/ipv4/ip_local_port_range");

// Why a connection could not be made, with what to do about it where that is known.
std::string connect_error(int error);

// `sources` 0: as many as `connections` need. Throws `failure` when the host is no address or has
// too few.
endpoint resolve(const std::string& host, std::uint16_t port, std::uint32_t sources,
                 std::uint32_t connections);

// Starts to connect without waiting. Answers the descriptor, or a negative errno.
int start_connecting(const endpoint& to, std::uint32_t connection);

}  // namespace chinwag::load
