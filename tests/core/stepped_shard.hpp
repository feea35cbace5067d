#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "chat_client.hpp"
#include "loop/shard.hpp"

namespace chinwag::test {

inline std::string times(std::size_t count, const std::string& what) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += what;
  return all;
}

// Sends what the kernel takes; the rest stays with the client.
inline void send_some(int descriptor, const std::string& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t sent =
        ::send(descriptor, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent <= 0) return;
    done += static_cast<std::size_t>(sent);
  }
}

inline bool has_input(int descriptor) {
  pollfd asked{descriptor, POLLIN, 0};
  return ::poll(&asked, 1, 0) == 1;
}

// The loop of a server, a turn at a time.
struct stepped_shard {
  explicit stepped_shard(const options& settings = {.port = 0}, handlers called = {})
      : loop(settings, {1, 2}, std::move(called)) {
    EXPECT_TRUE(loop.listen());
    loop.begin();
  }
  ~stepped_shard() { loop.end(); }

  // A client that has its welcome, with turns until it has.
  std::unique_ptr<chat_client> connect(const std::string& user) {
    std::atomic<bool> done{false};
    auto connected = std::async(std::launch::async, [&] {
      auto client = std::make_unique<chat_client>(loop.port(), "/ws?user=" + user);
      client->text();
      done = true;
      loop.post([](program_calls&) {});
      return client;
    });
    while (!done) loop.step();
    return connected.get();
  }

  // Turns until something waits for the client; how many it took, or -1 for more than `most`.
  int turns_until_input(const chat_client& client, int most) {
    for (int turns = 0; turns <= most; ++turns) {
      if (has_input(client.descriptor())) return turns;
      loop.post([](program_calls&) {});  // a turn does not wait
      loop.step();
    }
    return -1;
  }

  void turns(int count) {
    for (int i = 0; i < count; ++i) {
      loop.post([](program_calls&) {});
      loop.step();
    }
  }

  shard loop;
};

}  // namespace chinwag::test
