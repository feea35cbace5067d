#include "handover/channel.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace chinwag::channel {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::microseconds;

// Enough for a busy machine; until a successor has greeted nobody has to wait for it.
constexpr std::chrono::seconds patience{10};
// For the image and the answer to it: clients wait meanwhile.
constexpr std::chrono::seconds pause_max{5};
// The kernel passes 253 at once.
constexpr std::size_t descriptors_at_once = 250;
// Single letters on the line. Descriptors travel beside the first.
constexpr char with_descriptors = 'd';
constexpr char all_presented = 'a';
constexpr char expected = 'e';
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

void be_patient(int channel, microseconds at_most) {
  const timeval longest{.tv_sec = at_most.count() / 1'000'000,
                        .tv_usec = at_most.count() % 1'000'000};
  ::setsockopt(channel, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
  ::setsockopt(channel, SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest);
}

// A bound for several calls together; without one, each has its own patience.
class bound {
 public:
  bound() = default;
  explicit bound(std::chrono::seconds from_now) : end_(clock::now() + from_now) {}

  // Whether there is time for another call, which then gets no more of it. Sets errno.
  bool allows_another(int channel) const {
    if (end_ == clock::time_point::max()) return true;
    const auto left = std::chrono::duration_cast<microseconds>(end_ - clock::now());
    errno = EAGAIN;
    if (left <= microseconds::zero()) return false;
    be_patient(channel, left);
    return true;
  }

 private:
  clock::time_point end_ = clock::time_point::max();
};

bool send_all(int channel, std::span<const char> bytes, const bound& until = {}) {
  while (!bytes.empty()) {
    if (!until.allows_another(channel)) return false;
    const ssize_t sent = ::send(channel, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

// At the end of what the other end says, errno is ECONNRESET.
bool receive_all(int channel, std::span<char> bytes, const bound& until = {}) {
  while (!bytes.empty()) {
    if (!until.allows_another(channel)) return false;
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
    part_ = {&letter_, 1};
    header_.msg_iov = &part_;
    header_.msg_iovlen = 1;
    header_.msg_control = space_.data();
    header_.msg_controllen = CMSG_SPACE(count * sizeof(int));
  }

  msghdr& header() { return header_; }
  char letter() const { return letter_; }

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
  char letter_ = with_descriptors;
  iovec part_{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(descriptors_at_once * sizeof(int))> space_{};
  msghdr header_{};
};

bool send_descriptors(int channel, std::span<const int> descriptors, int flags = 0,
                      const bound& until = {}) {
  while (!descriptors.empty()) {
    if (!until.allows_another(channel)) return false;
    const auto some = descriptors.first(std::min(descriptors.size(), descriptors_at_once));
    descriptor_message message(some.size());
    message.fill(some);
    if (::sendmsg(channel, &message.header(), MSG_NOSIGNAL | flags) != 1) {
      if (errno == EINTR) continue;
      return false;
    }
    descriptors = descriptors.subspan(some.size());
  }
  return true;
}

// The letter of the next message; its descriptors go to the others. 0 is a failure: errno says
// which, and of what came with it nothing is lost.
char receive_message(int channel, std::vector<int>& into) {
  while (true) {
    descriptor_message message(descriptors_at_once);
    const ssize_t got = ::recvmsg(channel, &message.header(), MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) errno = ECONNRESET;
    if (got <= 0) return 0;
    const std::size_t before = into.size();
    message.append_to(into);
    const bool cut = (message.header().msg_flags & MSG_CTRUNC) != 0;
    if (cut || (message.letter() == with_descriptors && into.size() == before)) {
      errno = EMFILE;
      return 0;
    }
    return message.letter();
  }
}

bool receive_descriptors(int channel, std::size_t count, std::vector<int>& into) {
  while (into.size() < count) {
    if (receive_message(channel, into) != with_descriptors) return false;
  }
  return true;
}

bool send_letter(int channel, char letter) {
  return send_all(channel, {&letter, 1});
}

// Another letter than that is a failure of the protocol.
bool receive_letter(int channel, char letter, const bound& until = {}) {
  char got = 0;
  if (!receive_all(channel, {&got, 1}, until)) return false;
  errno = EPROTO;
  return got == letter;
}

}  // namespace

status meet_successor(int channel) {
  be_patient(channel, patience);
  greeting heard;
  if (!receive_all(channel, bytes_in(heard))) return failure("the successor did not greet");
  if (heard.who != greeting{}.who || heard.version != image_version) {
    return {error::system_failure, "the successor speaks version " + std::to_string(heard.version) +
                                       " of the state, not " + std::to_string(image_version)};
  }
  return {};
}

status await_room(int channel) {
  pollfd room{channel, POLLOUT, 0};
  int found = 0;
  do found = ::poll(&room, 1, static_cast<int>(patience.count()) * 1000);
  while (found < 0 && errno == EINTR);
  if (found == 0) errno = EAGAIN;
  return found > 0 ? status{} : failure("the successor takes no descriptors");
}

status present(int channel, std::span<const int> descriptors) {
  return send_descriptors(channel, descriptors, MSG_DONTWAIT)
             ? status{}
             : failure("the descriptors could not be sent");
}

status end_presenting(int channel) {
  const bool done = send_letter(channel, all_presented) && receive_letter(channel, expected);
  return done ? status{} : failure("the successor can't watch the connections");
}

status give(int channel, const image& own) {
  const bound until(pause_max);
  const sizes announced{own.bytes.size(), own.descriptors.size()};
  const bool sent = send_all(channel, bytes_of(announced), until) &&
                    send_all(channel, own.bytes, until) &&
                    send_descriptors(channel, own.descriptors, 0, until);
  if (sent && receive_letter(channel, serving, until)) return {};
  const status outcome =
      failure(sent ? "the successor does not serve" : "the state could not be sent");
  // From now on the successor can't say that it serves, and does not. It may have just done so.
  ::shutdown(channel, SHUT_RDWR);
  return receive_letter(channel, serving) ? status{} : outcome;
}

status greet(int channel) {
  be_patient(channel, patience);
  return send_all(channel, bytes_of(greeting{})) ? status{} : failure("no predecessor is there");
}

status take_presented(int channel, const std::function<status(std::span<const int>)>& expect) {
  while (true) {
    std::vector<int> descriptors;
    const char letter = receive_message(channel, descriptors);
    status outcome = letter == with_descriptors || letter == all_presented
                         ? status{}
                         : failure("the predecessor's descriptors did not come");
    if (!descriptors.empty()) {
      if (status watched = expect(descriptors); outcome) outcome = std::move(watched);
    }
    if (!outcome) return outcome;
    if (letter == all_presented) break;
  }
  return send_letter(channel, expected) ? status{} : failure("the predecessor is gone");
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
  return send_letter(channel, serving) ? status{} : failure("the predecessor is gone");
}

}  // namespace chinwag::channel
