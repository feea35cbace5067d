#pragma once

#include <boost/beast.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "ending.hpp"

/// Executors as Asio has them by default: type-erased.
using tcp_executor = boost::asio::any_io_executor;
using tcp_stream = boost::beast::tcp_stream;

/// The layer below WebSocket, which hears of every close. Beast says nothing when it closes by
/// itself, and then waits for the client to end the TCP connection without a limit.
struct tcp_layer : tcp_stream {
  explicit tcp_layer(tcp_stream stream) : tcp_stream(std::move(stream)) { expires_never(); }

  std::function<void()> on_teardown;

  template <class Handler>
  friend void async_teardown(boost::beast::role_type, tcp_layer& layer, Handler&& handler) {
    layer.on_teardown();
    end_tcp(layer.socket(), std::forward<Handler>(handler));
  }
};

/// Text that is ready to be sent; all who receive it share it.
using shared_text = std::shared_ptr<std::string const>;

class connection;

/// Each member is sent each text by itself.
using room = std::unordered_set<connection*>;

/// What waits for one write after the other.
struct outbox {
  std::deque<shared_text> texts;
  std::size_t bytes = 0;
  std::size_t before_reading = 0;  // so many are written before the next request is read
  std::optional<boost::beast::websocket::close_reason> last_words;
};

/// Before the loop runs: nothing to do.
inline void prepare(boost::asio::io_context&) {}
