#include "host/kernel.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>
#include <thread>

namespace chinwag {
namespace {

std::string congestion_control(int descriptor) {
  std::array<char, 16> name{};
  socklen_t size = name.size();
  ::getsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, name.data(), &size);
  return name.data();
}

// What sockets get that nobody set it for.
std::string default_control() {
  const int fresh = ::socket(AF_INET, SOCK_STREAM, 0);
  std::string name = congestion_control(fresh);
  ::close(fresh);
  return name;
}

// Puts this thread into a network of its own, as far as the machine lets it, where connections are
// paced if nobody does anything about it.
void pace_by_default() {
  if (::unshare(CLONE_NEWNET) != 0) return;
  const int handle = ::socket(AF_INET, SOCK_DGRAM, 0);
  ifreq loopback{};
  loopback.ifr_name[0] = 'l';
  loopback.ifr_name[1] = 'o';
  loopback.ifr_flags = IFF_UP;
  ::ioctl(handle, SIOCSIFFLAGS, &loopback);
  ::close(handle);
  constexpr std::string_view wanted = "bbr";
  const int setting = ::open("/proc/sys/net/ipv4/tcp_congestion_control", O_WRONLY);
  if (setting < 0) return;
  // Not every kernel has it; the caller looks at what came of this.
  [[maybe_unused]] const ssize_t written = ::write(setting, wanted.data(), wanted.size());
  ::close(setting);
}

// Of a connection to a server that listens on `host`, at the server's end.
std::string control_of_a_connection(const std::string& host, const std::string& to) {
  const kernel::listening at = kernel::listen(host, 0, 8);
  EXPECT_TRUE(at.outcome) << at.outcome.text;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(at.port);
  ::inet_pton(AF_INET, to.c_str(), &address.sin_addr);
  sockaddr_in6 wide{};
  wide.sin6_family = AF_INET6;
  wide.sin6_port = htons(at.port);
  const bool six = ::inet_pton(AF_INET6, to.c_str(), &wide.sin6_addr) == 1;
  const int client = ::socket(six ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
  EXPECT_EQ(0, six ? ::connect(client, reinterpret_cast<sockaddr*>(&wide), sizeof wide)
                   : ::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address));
  kernel::peer_address peer{};
  const int accepted = kernel::accept(at.descriptor, peer);
  std::string name = congestion_control(accepted);
  for (const int each : {accepted, client, at.descriptor}) ::close(each);
  return name;
}

TEST(kernel, connections_of_this_machine_are_not_paced_and_others_are_as_the_machine_wants) {
  bool paces = false;
  std::thread([&paces] {
    pace_by_default();
    paces = default_control() == "bbr";
    if (!paces) return;
    EXPECT_EQ(control_of_a_connection("127.0.0.1", "127.0.0.1"), "reno");
    EXPECT_EQ(control_of_a_connection("127.1.2.3", "127.1.2.3"), "reno");
    EXPECT_EQ(control_of_a_connection("localhost", "127.0.0.1"), "reno");
    EXPECT_EQ(control_of_a_connection("::1", "::1"), "reno");
    EXPECT_EQ(control_of_a_connection("::ffff:127.0.0.1", "127.0.0.1"), "reno");
    EXPECT_EQ(control_of_a_connection("0.0.0.0", "127.0.0.1"), "bbr");
    EXPECT_EQ(control_of_a_connection("::", "::1"), "bbr");
  }).join();
  if (!paces) GTEST_SKIP() << "no connection is paced here, and this process can't change that";
}

// Whatever a machine's control is that does not pace, it stays.
TEST(kernel, a_congestion_control_that_does_not_pace_is_left_alone) {
  const std::string usual = default_control();
  if (usual == "bbr") GTEST_SKIP() << "this machine's control paces";
  EXPECT_EQ(control_of_a_connection("127.0.0.1", "127.0.0.1"), usual);
}

}  // namespace
}  // namespace chinwag
