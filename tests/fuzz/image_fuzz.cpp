// The state that a predecessor hands over, as bytes of any kind: a successor refuses it, or serves
// with it. The first byte says how many connections went ahead of it and how many come with it; the
// version stands before the rest, which would be refused at once with any other.

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "loop/shard.hpp"

namespace {

constexpr int turns = 8;
constexpr std::string_view heartbeat("\x81\x94\0\0\0\0{\"type\":\"heartbeat\"}", 26);

// One end of each pair is the shard's, which closes it.
struct peers {
  ~peers() {
    for (const int end : far) ::close(end);
  }

  std::vector<int> connect(std::size_t count) {
    std::vector<int> near;
    for (std::size_t left = count; left > 0; --left) {
      std::array<int, 2> ends{};
      if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) != 0) std::abort();
      near.push_back(ends[0]);
      far.push_back(ends[1]);
    }
    return near;
  }

  void speak() const {
    for (const int end : far) (void)::send(end, heartbeat.data(), heartbeat.size(), MSG_NOSIGNAL);
  }

  void listen() const {
    std::array<char, 65'536> heard{};
    for (const int end : far) (void)::recv(end, heard.data(), heard.size(), 0);
  }

  std::vector<int> far;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  peers clients;
  chinwag::image from;
  chinwag::image_writer version;
  version.number(chinwag::image_version);
  from.bytes = version.take();
  from.bytes.append(reinterpret_cast<const char*>(data + 1), size - 1);
  chinwag::shard successor({.port = 0}, {}, {});
  if (!successor.expect(clients.connect(data[0] & 3U))) std::abort();
  // The first is the listening socket.
  from.descriptors = clients.connect(1 + (data[0] >> 2 & 3U));
  if (!successor.inherit(from)) return 0;
  successor.begin();
  for (int turn = 0; turn < turns; ++turn) {
    clients.speak();
    successor.stop_accepting();
    successor.step();
    clients.listen();
  }
  successor.end();
  return 0;
}
