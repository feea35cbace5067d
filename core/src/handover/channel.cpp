#include "handover/channel.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <string>

namespace chinwag::channel {

namespace {

// Enough for a busy machine; until a successor has greeted nobody has to wait for it.
constexpr timeval patience{.tv_sec = 10, .tv_usec = 0};
// The kernel passes 253 at once.
constexpr std::size_t descriptors_at_once = 250;
constexpr char serving = 's';

struct greeting {
  std::array<char, 8> who{'c', 'h', 'i', 'n', 'w', 'a', 'g', '\0'};
  std::uint32_t version = image_version;
};

struct sizes {
  std::uint64_t bytes = 0;
  std::uint64_t descriptors = 0;
};

status failure(const char* what) {
  const bool late = errno == EAGAIN || errno == EWOULDBLOCK;
  return {error::system_failure,
          std::string(what) + ": " + (late ? "nothing came for too long" : std::strerror(errno))};
}

void be_patient(int channel) {
  ::setsockopt(channel, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(channel, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

bool send_all(int channel, std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(channel, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

// At the end of what the other end says, errno is ECONNRESET.
bool receive_all(int channel, std::span<char> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::recv(channel, bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) errno = ECONNRESET;
    if (got <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

template <typename Plain>
std::span<const char> bytes_of(const Plain& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

template <typename Plain>
std::span<char> bytes_in(Plain& value) {
  return {reinterpret_cast<char*>(&value), sizeof value};
}

// A message of one byte with room for descriptors beside it.
class descriptor_message {
 public:
  explicit descriptor_message(std::size_t count) {
    part_ = {&byte_, 1};
    header_.msg_iov = &part_;
    header_.msg_iovlen = 1;
    header_.msg_control = space_.data();
    header_.msg_controllen = CMSG_SPACE(count * sizeof(int));
  }

  msghdr& header() { return header_; }

  void fill(std::span<const int> descriptors) {
    cmsghdr* const with = CMSG_FIRSTHDR(&header_);
    with->cmsg_level = SOL_SOCKET;
    with->cmsg_type = SCM_RIGHTS;
    with->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(with), descriptors.data(), descriptors.size_bytes());
  }

  void append_to(std::vector<int>& descriptors) {
    const cmsghdr* const with = CMSG_FIRSTHDR(&header_);
    if (with == nullptr || with->cmsg_type != SCM_RIGHTS) return;
    const std::size_t count = (with->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    const std::size_t before = descriptors.size();
    descriptors.resize(before + count);
    std::memcpy(descriptors.data() + before, CMSG_DATA(with), count * sizeof(int));
  }

 private:
  char byte_ = 'd';
  iovec part_{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(descriptors_at_once * sizeof(int))> space_{};
  msghdr header_{};
};

bool send_descriptors(int channel, std::span<const int> descriptors) {
  while (!descriptors.empty()) {
    const auto some = descriptors.first(std::min(descriptors.size(), descriptors_at_once));
    descriptor_message message(some.size());
    message.fill(some);
    if (::sendmsg(channel, &message.header(), MSG_NOSIGNAL) != 1) {
      if (errno == EINTR) continue;
      return false;
    }
    descriptors = descriptors.subspan(some.size());
  }
  return true;
}

bool receive_descriptors(int channel, std::size_t count, std::vector<int>& into) {
  while (into.size() < count) {
    descriptor_message message(descriptors_at_once);
    const ssize_t got = ::recvmsg(channel, &message.header(), MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) errno = ECONNRESET;
    if (got <= 0) return false;
    const std::size_t before = into.size();
    message.append_to(into);
    if (into.size() == before || (message.header().msg_flags & MSG_CTRUNC) != 0) {
      errno = EMFILE;
      return false;
    }
  }
  return true;
}

}  // namespace

status meet_successor(int channel) {
  be_patient(channel);
  greeting heard;
  if (!receive_all(channel, bytes_in(heard))) return failure("the successor did not greet");
  if (heard.who != greeting{}.who || heard.version != image_version) {
    return {error::system_failure, "the successor speaks version " + std::to_string(heard.version) +
                                       " of the state, not " + std::to_string(image_version)};
  }
  return {};
}

status give(int channel, const image& own) {
  const sizes announced{own.bytes.size(), own.descriptors.size()};
  if (!send_all(channel, bytes_of(announced)) || !send_all(channel, own.bytes) ||
      !send_descriptors(channel, own.descriptors)) {
    return failure("the state could not be sent");
  }
  char word = 0;
  if (!receive_all(channel, {&word, 1}) || word != serving) {
    return failure("the successor does not serve");
  }
  return {};
}

status greet(int channel) {
  be_patient(channel);
  return send_all(channel, bytes_of(greeting{})) ? status{} : failure("no predecessor is there");
}

status take(int channel, image& from) {
  sizes announced;
  if (!receive_all(channel, bytes_in(announced))) return failure("the predecessor gave nothing");
  from.bytes.resize(announced.bytes);
  if (receive_all(channel, from.bytes) &&
      receive_descriptors(channel, announced.descriptors, from.descriptors)) {
    return {};
  }
  status outcome = failure("the predecessor's state did not come whole");
  for (const int descriptor : from.descriptors) ::close(descriptor);
  return outcome;
}

status confirm(int channel) {
  return send_all(channel, {&serving, 1}) ? status{} : failure("the predecessor is gone");
}

}  // namespace chinwag::channel
