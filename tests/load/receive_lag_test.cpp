#include "receive_lag.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <thread>

#include "clock.hpp"
#include "endpoint.hpp"

namespace chinwag::load {
namespace {

// A TCP connection over the loopback: only there does the kernel stamp what arrives.
class receive_lag_test : public testing::Test {
 protected:
  void SetUp() override {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(listen(listener, 1), 0);
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    reader_ = start_connecting(resolve("127.0.0.1", ntohs(address.sin_port), 1, 1), 0);
    ASSERT_GE(reader_, 0);
    writer_ = accept(listener, nullptr, nullptr);
    close(listener);
    await_stamps();
  }

  // The kernel begins to stamp segments a moment after the first socket asked for it.
  void await_stamps() {
    const std::int64_t give_up_ns = monotonic_ns() + 10 * ns_per_s;
    while (lag_.lags().count() == 0 && monotonic_ns() < give_up_ns) {
      write_text("stamped?");
      read_text();
    }
    ASSERT_GT(lag_.lags().count(), 0) << "this kernel stamps nothing on the loopback";
    lag_.clear();
  }

  void TearDown() override {
    close(reader_);
    close(writer_);
  }

  void write_text(const std::string& text) const {
    ASSERT_EQ(write(writer_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  // Waits first: a read that finds nothing is no sample.
  std::string read_text() {
    pollfd ready{reader_, POLLIN, 0};
    poll(&ready, 1, -1);
    const ssize_t count = lag_.read(reader_, bytes_.data(), bytes_.size());
    return {bytes_.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
  }

  std::array<char, 64 * 1024> bytes_{};
  receive_lag lag_;
  int reader_ = -1;
  int writer_ = -1;
};

TEST_F(receive_lag_test, reads_every_byte_and_samples_one_read_in_16) {
  std::string sent;
  std::string received;
  for (int i = 0; i < 64; ++i) {
    const std::string text(5'000, static_cast<char>('a' + i % 26));
    write_text(text);
    sent += text;
    while (received.size() < sent.size()) {
      received += read_text();
    }
  }
  EXPECT_EQ(received, sent);
  EXPECT_GE(lag_.lags().count(), 4);
}

TEST_F(receive_lag_test, tells_how_long_bytes_waited_to_be_read) {
  using namespace std::chrono_literals;
  for (int i = 0; i < 16; ++i) {
    write_text("waiting");
    std::this_thread::sleep_for(3ms);
    EXPECT_EQ(read_text(), "waiting");
  }
  ASSERT_EQ(lag_.lags().count(), 1);
  EXPECT_GE(lag_.lags().max(), 2'500'000);
  lag_.clear();
  EXPECT_EQ(lag_.lags().count(), 0);
}

TEST_F(receive_lag_test, tells_when_the_bytes_of_a_sampled_read_came) {
  int stamped = 0;
  for (int i = 0; i < 32; ++i) {
    const std::int64_t written_ns = monotonic_ns();
    write_text("stamped");
    EXPECT_EQ(read_text(), "stamped");
    const std::int64_t read_ns = monotonic_ns();
    if (lag_.stamped_bytes() > 0) {
      ++stamped;
      EXPECT_EQ(lag_.stamped_bytes(), 7u);
      // Two clocks are compared by reading one after the other.
      EXPECT_GE(lag_.stamp_ns(), written_ns - ns_per_ms);
      EXPECT_LE(lag_.stamp_ns(), read_ns + ns_per_ms);
    }
  }
  EXPECT_EQ(stamped, 2);
}

}  // namespace
}  // namespace chinwag::load
