#pragma once

#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "socket_writer.hpp"

/// One read that Beast waits for, of a type that only Beast knows.
class pending_read {
 public:
  virtual ~pending_read() = default;

  /// How much of it the buffers take.
  virtual std::size_t fill(std::string_view bytes) = 0;

  /// Once, and last: the handler may ask for the next read.
  virtual void complete(boost::beast::error_code failed, std::size_t size) = 0;
};

template <class Buffers, class Handler>
class pending_read_of final : public pending_read {
 public:
  pending_read_of(Buffers const& buffers, Handler handler)
      : buffers_(buffers), handler_(std::move(handler)) {}

  std::size_t fill(std::string_view bytes) override {
    return boost::asio::buffer_copy(buffers_, boost::asio::buffer(bytes));
  }

  void complete(boost::beast::error_code failed, std::size_t size) override {
    std::move(handler_)(failed, size);
  }

 private:
  Buffers buffers_;
  Handler handler_;
};

/// Takes all that a socket has in one system call, and gives it to Beast frame by frame. Beast asks
/// for 1,536 bytes at the most; a message of which it has bytes already, behind another one, costs
/// it a pass of the loop. Whoever waits for the socket holds it.
class socket_reader : public std::enable_shared_from_this<socket_reader> {
 public:
  static constexpr std::size_t received_bytes_max = 16'384;  // at once

  explicit socket_reader(std::shared_ptr<socket_writer> writer) : writer_(std::move(writer)) {}

  /// One at a time. It never completes in here.
  void read(std::unique_ptr<pending_read> next);

 private:
  void wait_for_socket();
  void receive(boost::beast::error_code failed);
  void pass_on(std::string_view bytes);

  /// How many of the bytes are of the frame that they go on with; none if its header is cut off.
  std::size_t of_frame(std::string_view bytes);

  std::shared_ptr<socket_writer> writer_;
  std::unique_ptr<pending_read> next_;  // none while the loop holds it
  std::string rest_;                    // a part of a header, or what came while Beast did not read
  std::uint64_t frame_left_ = 0;
  bool passing_on_ = false;
};
