#include "socket_reader.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace {

namespace net = boost::asio;
using boost::beast::error_code;
using net::ip::tcp;

/// As a client sends it: the mask is zero, and the length has the fewest bytes that do.
std::string frame(std::size_t payload) {
  std::string bytes = "\x82";
  auto const further = payload < 126 ? 0 : payload <= 0xFFFF ? 2 : 8;
  bytes += static_cast<char>(0x80 | (further == 0 ? payload : further == 2 ? 126 : 127));
  for (auto left = further; left-- > 0;) bytes += static_cast<char>(payload >> (8 * left) & 0xFF);
  return bytes.append(4, '\0').append(payload, 'x');
}

class a_socket_reader : public testing::Test {
 protected:
  a_socket_reader() : client_(io_) {
    net::make_service<turn>(io_);
    net::basic_socket_acceptor<tcp, tcp_executor> acceptor(
        io_, tcp::endpoint(net::ip::address_v4::loopback(), 0));
    client_.connect(acceptor.local_endpoint());
    tcp_stream stream(acceptor.accept());
    stream.socket().non_blocking(true);
    writer_ = std::make_shared<socket_writer>(std::move(stream));
    reader_ = std::make_shared<socket_reader>(writer_);
  }

  void send(std::string_view bytes) {
    net::write(client_, net::buffer(bytes));
    run();
  }

  void run() {
    io_.restart();
    io_.poll();
  }

  void read() {
    auto const buffer = net::buffer(buffer_);
    auto handler = [this](error_code failed, std::size_t size) {
      failed_ = failed;
      pieces_.emplace_back(buffer_.data(), size);
      if (!failed && reads_on_) read();
    };
    reader_->read(std::make_unique<pending_read_of<net::mutable_buffer, decltype(handler)>>(
        buffer, std::move(handler)));
  }

  net::io_context io_;
  net::basic_stream_socket<tcp, tcp_executor> client_;
  std::shared_ptr<socket_writer> writer_;
  std::shared_ptr<socket_reader> reader_;
  std::array<char, 1'536> buffer_;
  std::vector<std::string> pieces_;
  error_code failed_;
  bool reads_on_ = true;
};

TEST_F(a_socket_reader, passes_on_a_frame_at_a_time) {
  read();
  send(frame(3) + frame(0) + frame(200));
  EXPECT_EQ(pieces_, (std::vector{frame(3), frame(0), frame(200)}));
}

TEST_F(a_socket_reader, passes_on_what_fits_of_a_frame) {
  auto const all = frame(2'000);
  read();
  send(all + frame(1));
  EXPECT_EQ(pieces_, (std::vector{all.substr(0, 1'536), all.substr(1'536), frame(1)}));
}

TEST_F(a_socket_reader, keeps_to_the_frames_however_they_are_cut) {
  read();
  for (std::size_t const payload : {0, 1, 125, 126, 1'000, 70'000}) {
    auto const all = frame(payload) + frame(5);
    for (std::size_t cut = 1; cut < 20 && cut < frame(payload).size(); ++cut) {
      pieces_.clear();
      send(std::string_view(all).substr(0, cut));
      send(std::string_view(all).substr(cut));
      std::string got;
      for (auto const& each : pieces_) got += each;
      EXPECT_EQ(got, all) << payload << " cut at " << cut;
      EXPECT_EQ(pieces_.back(), frame(5)) << payload << " cut at " << cut;
    }
  }
}

TEST_F(a_socket_reader, passes_on_the_header_of_the_longest_frame) {
  auto const header = "\x82\xFF" + std::string(8, '\xFF') + std::string(4, '\0');
  read();
  send(header + "xyz");
  EXPECT_EQ(pieces_, std::vector{header + "xyz"});
}

TEST_F(a_socket_reader, keeps_what_comes_while_nobody_reads) {
  reads_on_ = false;
  read();
  send(frame(1) + frame(2) + frame(3));
  EXPECT_EQ(pieces_, std::vector{frame(1)});
  reads_on_ = true;
  read();
  EXPECT_EQ(pieces_, std::vector{frame(1)}) << "it completed at once";
  send(frame(4));
  EXPECT_EQ(pieces_, (std::vector{frame(1), frame(2), frame(3), frame(4)}));
}

TEST_F(a_socket_reader, tells_the_end_behind_all_that_came) {
  read();
  send(frame(9));
  client_.shutdown(client_.shutdown_send);
  run();
  EXPECT_EQ(pieces_, (std::vector{frame(9), std::string()}));
  EXPECT_EQ(failed_, net::error::eof);
}

TEST_F(a_socket_reader, ends_its_read_with_the_socket) {
  read();
  writer_->end();
  run();
  EXPECT_EQ(failed_, net::error::operation_aborted);
}

}  // namespace
