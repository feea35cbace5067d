#include "notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace chinwagd {

void notify_serving() {
  const char* const path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un to{};
  const std::string_view name = path == nullptr ? "" : path;
  if (name.empty() || name.size() >= sizeof to.sun_path) return;
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, name.data(), name.size());
  if (to.sun_path[0] == '@') to.sun_path[0] = '\0';  // an abstract one
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return;
  const std::string text = "READY=1\nMAINPID=" + std::to_string(::getpid()) + "\n";
  // Who does not listen does not want to know.
  [[maybe_unused]] const ssize_t sent =
      ::sendto(socket, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
               reinterpret_cast<const sockaddr*>(&to), size);
  ::close(socket);
}

}  // namespace chinwagd
