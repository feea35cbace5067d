#pragma once

#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <chrono>

#include "rooms.hpp"
#include "settings.hpp"
#include "transport.hpp"

namespace beast = boost::beast;
namespace http = beast::http;
namespace net = boost::asio;
namespace websocket = beast::websocket;

struct timing {
  std::chrono::milliseconds ping_interval;
  std::chrono::milliseconds idle_timeout;
};

constexpr auto slow = "Slow";

/// One WebSocket. Lives as long as a read, a write or a close is under way.
class connection : public std::enable_shared_from_this<connection> {
 public:
  connection(tcp_layer stream, std::string user, rooms& rooms, timing timing);

  void run(http::request<http::empty_body> const& upgrade);
  // Neither of these calls back into the rooms.
  void send(shared_text text);
  void write();  // what waits
  void close(websocket::close_code code, char const* reason);

  tcp_layer& layer() { return stream_.next_layer(); }

  std::string const user;
  std::unordered_set<std::string> joined;  // names of rooms, which the rooms keep

 private:
  using clock = std::chrono::steady_clock;

  void read();
  void read_on();
  void serve();
  void serve(request const& request);                      // where what its handler throws is met
  void close_at_last(websocket::close_reason const& why);  // behind what waits
  void write_close(websocket::close_reason const& why);
  void keep_alive();
  bool begin_end();

  websocket::stream<tcp_layer, /*deflateSupported=*/false> stream_;
  // Of the next ping or the idle timeout; once it closes, of the end.
  net::steady_timer timer_{stream_.get_executor()};
  rooms& rooms_;
  timing const timing_;
  clock::time_point last_frame_ = clock::now();
  beast::flat_buffer inbox_;
  outbox outbox_;
  bool pinging_ = false;
  bool overdue_ = false;  // silent for the whole idle timeout when its timer was last heard
  bool closing_ = false;
};
