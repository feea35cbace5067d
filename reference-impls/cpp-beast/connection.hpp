#pragma once

#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <chrono>
#include <deque>
#include <functional>

#include "rooms.hpp"

namespace beast = boost::beast;
namespace http = beast::http;
namespace net = boost::asio;
namespace websocket = beast::websocket;

struct timing {
  std::chrono::milliseconds ping_interval;
  std::chrono::milliseconds idle_timeout;
};

/// The layer below WebSocket, which hears of every close. Beast says nothing when it closes by
/// itself, and then waits for the client to end the TCP connection without a limit.
struct tcp_layer : beast::tcp_stream {
  using beast::tcp_stream::basic_stream;

  std::function<void()> on_teardown;

  template <class Handler>
  friend void async_teardown(beast::role_type role, tcp_layer& layer, Handler&& handler) {
    layer.on_teardown();
    websocket::async_teardown(role, layer.socket(), std::forward<Handler>(handler));
  }
};

/// One WebSocket. Lives as long as a read, a write or a close is under way.
class connection : public std::enable_shared_from_this<connection> {
 public:
  connection(tcp_layer stream, std::string user, rooms& rooms, timing timing);

  void run(http::request<http::empty_body> const& upgrade);
  // Neither of these calls back into the rooms.
  void send(shared_text text);
  void close(websocket::close_code code, char const* reason);

  std::string const user;
  std::unordered_set<std::string> joined;  // names of rooms, which the rooms keep

 private:
  using clock = std::chrono::steady_clock;

  void read();
  void serve();
  void write();
  void keep_alive();
  bool begin_end();

  websocket::stream<tcp_layer, /*deflateSupported=*/false> stream_;
  // Of the next ping or the idle timeout; once it closes, of the end.
  net::steady_timer timer_{stream_.get_executor()};
  rooms& rooms_;
  timing const timing_;
  clock::time_point last_frame_ = clock::now();
  beast::flat_buffer inbox_;
  std::deque<shared_text> outbox_;
  std::size_t outbox_bytes_ = 0;
  bool pinging_ = false;
  bool closing_ = false;
};
