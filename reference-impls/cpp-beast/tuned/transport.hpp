#pragma once

#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <functional>
#include <memory>

/// The executor is the loop's own: nothing is type-erased.
using tcp_executor = boost::asio::io_context::executor_type;
using tcp_stream = boost::beast::basic_stream<boost::asio::ip::tcp, tcp_executor>;

class flusher;

/// The bytes that wait for one socket. Whoever waits for the socket holds it.
class gathering : public std::enable_shared_from_this<gathering> {
 public:
  explicit gathering(tcp_stream stream);

  /// Takes all: what waits is bounded by who sends. It goes out when the flusher says so.
  template <class Buffers>
  std::size_t add(Buffers const& buffers) {
    auto const size = boost::asio::buffer_size(buffers);
    if (closed) return size;
    auto const was_empty = waiting_.size() == 0;
    waiting_.commit(boost::asio::buffer_copy(waiting_.prepare(size), buffers));
    flush_later(was_empty);
    if (waiting_.size() >= write_bytes && !blocked_) flush();
    return size;
  }

  /// One write, of all that waits. Whether nothing does afterwards; what the socket does not take
  /// goes on as soon as it can.
  bool flush();

  std::size_t size() const { return waiting_.size(); }

  tcp_stream stream;
  bool closed = false;  // a close frame was added: what comes behind it is dropped

 private:
  static constexpr std::size_t write_bytes = 65'536;

  void flush_later(bool was_empty);

  flusher& flusher_;
  boost::beast::flat_buffer waiting_;
  bool blocked_ = false;
};

/// The layer below WebSocket: collects the frames of one turn of the loop, for Beast writes each by
/// itself, and hears of every close. Beast says nothing when it closes by itself, and then waits
/// for the client to end the TCP connection without a limit.
class tcp_layer {
 public:
  using executor_type = tcp_executor;
  using next_layer_type = tcp_stream;

  explicit tcp_layer(tcp_stream stream)
      : gathering_(std::make_shared<gathering>(std::move(stream))) {
    next_layer().expires_never();
    next_layer().socket().non_blocking(true);
  }

  executor_type get_executor() { return next_layer().get_executor(); }
  next_layer_type& next_layer() { return gathering_->stream; }
  std::size_t waiting() const { return gathering_->size(); }
  void close() { next_layer().close(); }

  template <class Buffers, class Token>
  auto async_read_some(Buffers const& buffers, Token&& token) {
    return next_layer().socket().async_read_some(buffers, std::forward<Token>(token));
  }

  template <class Buffers>
  std::size_t write_some(Buffers const& buffers, boost::beast::error_code& failed) {
    failed = {};
    return gathering_->add(buffers);
  }

  template <class Buffers>
  std::size_t write_some(Buffers const& buffers) {
    return gathering_->add(buffers);
  }

  /// Beast's own frames, a whole one each: they keep their place among the others. Beast tells
  /// nobody that it closes before the close frame is written.
  template <class Buffers, class Token>
  auto async_write_some(Buffers const& buffers, Token&& token) {
    using signature = void(boost::beast::error_code, std::size_t);
    return boost::asio::async_initiate<Token, signature>(
        [this](auto handler, auto const& buffers) {
          auto const size = gathering_->add(buffers);
          unsigned char first = 0;
          boost::asio::buffer_copy(boost::asio::buffer(&first, 1), buffers);
          if (first == close_frame) gathering_->closed = true;
          boost::asio::post(get_executor(),
                            boost::beast::bind_front_handler(std::move(handler),
                                                             boost::beast::error_code{}, size));
        },
        token, buffers);
  }

  // Beast reads by async_read alone; it asks for these before it lets anybody write.
  template <class Buffers>
  std::size_t read_some(Buffers const& buffers, boost::beast::error_code& failed) {
    return next_layer().socket().read_some(buffers, failed);
  }
  template <class Buffers>
  std::size_t read_some(Buffers const& buffers) {
    return next_layer().socket().read_some(buffers);
  }

  std::function<void()> on_teardown;

  static constexpr unsigned char close_frame = 0x88;

  /// The close frame first, then the end of the TCP connection.
  template <class Handler>
  friend void async_teardown(boost::beast::role_type role, tcp_layer& layer, Handler&& handler) {
    layer.on_teardown();
    boost::asio::async_compose<Handler, void(boost::beast::error_code)>(
        [role, gathering = layer.gathering_, over = false](
            auto& self, boost::beast::error_code failed = {}) mutable {
          auto& socket = gathering->stream.socket();
          if (over) return self.complete(failed);
          if (!failed && !gathering->flush()) {
            return socket.async_wait(socket.wait_write, std::move(self));
          }
          over = true;
          boost::beast::websocket::async_teardown(role, socket, std::move(self));
        },
        handler, layer.get_executor());
  }

 private:
  std::shared_ptr<gathering> gathering_;
};

/// What waits, waits in the layer.
struct outbox {};

/// Before the loop runs: tells it how long frames may wait, by CHAT_WRITE_DELAY_MS where the
/// variant is named for it. Throws std::invalid_argument for what is no number of milliseconds.
void prepare(boost::asio::io_context& io);
