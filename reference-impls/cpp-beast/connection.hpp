#pragma once

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <deque>
#include <memory>

#include "chat.hpp"

namespace chat {

namespace beast = boost::beast;
using upgrade_request = beast::http::request<beast::http::empty_body>;

/// The layer below WebSocket: it first gives back what was read beyond the upgrade request.
class tcp_layer : public beast::buffered_read_stream<beast::tcp_stream, beast::flat_buffer> {
 public:
  using buffered_read_stream::buffered_read_stream;

  /// Beast says nothing when it closes by itself, and then waits for the client without a limit.
  std::function<void()> on_teardown;

  template <class Handler>
  friend void async_teardown(beast::role_type role, tcp_layer& layer, Handler&& handler) {
    using beast::websocket::async_teardown;
    layer.on_teardown();
    async_teardown(role, layer.next_layer(), std::forward<Handler>(handler));
  }
};

struct timing {
  std::chrono::milliseconds ping_interval;
  std::chrono::milliseconds idle_timeout;
};

/// One WebSocket. Lives as long as an operation on it is under way.
class connection final : public member, public std::enable_shared_from_this<connection> {
 public:
  connection(beast::tcp_stream stream, beast::flat_buffer const& read_already, std::string user,
             rooms& rooms, timing timing);

  void run(upgrade_request const& upgrade);
  void send(shared_text text) override;
  void close(std::uint16_t code, std::string_view reason) override;

 private:
  using clock = std::chrono::steady_clock;

  void opened(beast::error_code failed);
  void read();
  void control_received(beast::websocket::frame_type kind);
  void received(beast::error_code failed);
  void serve();
  void write();
  void wait_to_ping();
  void wait_for_idle();
  bool begin_end();
  void ended();

  beast::websocket::stream<tcp_layer, /*deflateSupported=*/false> stream_;
  boost::asio::steady_timer ping_timer_;
  boost::asio::steady_timer end_timer_;  // the idle timeout, then how long a close may take
  rooms& rooms_;
  timing const timing_;
  clock::time_point last_frame_;
  beast::flat_buffer inbox_;
  std::deque<shared_text> outbox_;
  std::size_t outbox_bytes_ = 0;
  bool closing_ = false;
};

}  // namespace chat
