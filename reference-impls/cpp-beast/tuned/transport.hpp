#pragma once

#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <functional>
#include <memory>

#include "ending.hpp"
#include "room.hpp"
#include "settings.hpp"
#include "socket_reader.hpp"
#include "socket_writer.hpp"

/// Text that is ready to be sent. Its frame is made in the log that it is appended to.
using shared_text = std::shared_ptr<std::string const>;

/// The layer below WebSocket: writes what a turn of the loop brought at once, for Beast writes each
/// frame by itself, and hears of every close. Beast says nothing when it closes by itself, and then
/// waits for the client to end the TCP connection without a limit.
class tcp_layer {
 public:
  using executor_type = tcp_executor;
  using next_layer_type = tcp_stream;

  explicit tcp_layer(tcp_stream stream)
      : writer_(std::make_shared<socket_writer>(std::move(stream))),
        reader_(std::make_shared<socket_reader>(writer_)) {
    next_layer().expires_never();
    next_layer().socket().non_blocking(true);
  }

  tcp_layer(tcp_layer&&) = default;
  ~tcp_layer() {
    if (writer_) writer_->end();
  }

  executor_type get_executor() { return next_layer().get_executor(); }
  next_layer_type& next_layer() { return writer_->stream; }
  socket_writer& writer() { return *writer_; }
  void close() { next_layer().close(); }

  template <class Buffers, class Token>
  auto async_read_some(Buffers const& buffers, Token&& token) {
    using signature = void(boost::beast::error_code, std::size_t);
    return boost::asio::async_initiate<Token, signature>(
        [this](auto handler, auto const& buffers) {
          reader_->read(std::make_unique<pending_read_of<Buffers, decltype(handler)>>(
              buffers, std::move(handler)));
        },
        token, buffers);
  }

  /// Beast's own frames keep their place among the others. One that may wait no more ends the
  /// connection: Beast's reader fails.
  template <class Buffers, class Token>
  auto async_write_some(Buffers const& buffers, Token&& token) {
    using signature = void(boost::beast::error_code, std::size_t);
    return boost::asio::async_initiate<Token, signature>(
        [this](auto handler, auto const& buffers) {
          auto const failed = writer_->add_from_beast(boost::beast::buffers_to_string(buffers));
          auto const size = failed ? 0 : boost::asio::buffer_size(buffers);
          boost::asio::post(get_executor(),
                            boost::beast::bind_front_handler(std::move(handler), failed, size));
        },
        token, buffers);
  }

  std::function<void()> on_teardown;

  /// The close frame first, then the end of the TCP connection.
  template <class Handler>
  friend void async_teardown(boost::beast::role_type, tcp_layer& layer, Handler&& handler) {
    layer.on_teardown();
    boost::asio::async_compose<Handler, void(boost::beast::error_code)>(
        [writer = layer.writer_, over = false](auto& self,
                                               boost::beast::error_code failed = {}) mutable {
          auto& socket = writer->stream.socket();
          if (over) return self.complete(failed);
          if (!failed && !writer->flush()) {
            return socket.async_wait(socket.wait_write, std::move(self));
          }
          over = true;
          end_tcp(socket, std::move(self));
        },
        handler, layer.get_executor());
  }

 private:
  std::shared_ptr<socket_writer> writer_;
  std::shared_ptr<socket_reader> reader_;
};

/// For all members, of which there is one at least.
void deliver(room& all, shared_text const& text);

/// What waits, waits in the layer.
struct outbox {};

/// Before the loop runs: tells it how long frames may wait, by CHAT_WRITE_DELAY_MS where the
/// variant is named for it. Throws std::invalid_argument for what is no number of milliseconds.
void prepare(boost::asio::io_context& io);
