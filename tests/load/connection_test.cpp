#include "connection.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

namespace chinwag::load {
namespace {

// One end is the connection's, the other plays the server.
class connection_test : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    connection_.start(ends[0], "");
    server_ = ends[1];
  }

  void TearDown() override { close(server_); }

  std::string read_all() const {
    std::string all;
    std::array<char, 4096> bytes;
    for (ssize_t count = 0; (count = read(server_, bytes.data(), bytes.size())) > 0;) {
      all.append(bytes.data(), static_cast<std::size_t>(count));
    }
    return all;
  }

  connection connection_;
  int server_ = -1;
};

TEST_F(connection_test, sends_at_once_while_there_is_room) {
  EXPECT_EQ(connection_.send("abc"), send_status::sent);
  EXPECT_EQ(read_all(), "abc");
}

TEST_F(connection_test, starts_again_with_nothing_of_before) {
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
  connection_.partial() = "half a frame";
  connection_.await_room(false);
  connection_.end();
  connection_.start(ends[0], "");
  EXPECT_EQ(connection_.state(), connection_state::connecting);
  EXPECT_TRUE(connection_.partial().empty());
  EXPECT_FALSE(connection_.await_room(true)) << "it begins by waiting until it is writable";
  close(ends[1]);
}

TEST_F(connection_test, keeps_order_when_the_socket_is_full) {
  std::string expected;
  send_status status = send_status::sent;
  for (int i = 0; status == send_status::sent || i < 2'000; ++i) {
    const std::string frame = std::to_string(i) + std::string(1'000, 'x');
    expected += frame;
    status = connection_.send(frame);
  }
  EXPECT_EQ(status, send_status::waiting);
  std::string received = read_all();
  while (connection_.flush() == send_status::waiting) {
    received += read_all();
  }
  EXPECT_EQ(received + read_all(), expected);
}

TEST_F(connection_test, knows_when_the_other_end_is_gone) {
  close(server_);
  EXPECT_EQ(connection_.send("abc"), send_status::gone);
  connection_.end();
  EXPECT_EQ(connection_.state(), connection_state::ended);
  EXPECT_LT(connection_.fd(), 0);
  server_ = -1;
}

}  // namespace
}  // namespace chinwag::load
