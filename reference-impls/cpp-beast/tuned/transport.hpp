#pragma once

#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <functional>
#include <memory>

#include "ending.hpp"
#include "settings.hpp"

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
    if (ended_) return size;
    waiting_.commit(boost::asio::buffer_copy(waiting_.prepare(size), buffers));
    flush_later();
    if (waiting_.size() >= write_bytes && !blocked_) flush();
    return size;
  }

  /// What Beast writes by itself, a whole frame or the answer to the upgrade. Pings and pongs wait
  /// as messages do, and within the same bound: who sends pings and reads nothing would fill the
  /// memory. Nothing else waits for others, and a close takes along what waits before it.
  template <class Buffers>
  boost::beast::error_code add_from_beast(Buffers const& buffers) {
    unsigned char first = 0;
    boost::asio::buffer_copy(boost::asio::buffer(&first, 1), buffers);
    auto const waits = first == ping_frame || first == pong_frame;
    if (waits && size() + boost::asio::buffer_size(buffers) > outbox_bytes_max) {
      return boost::asio::error::no_buffer_space;
    }
    add(buffers);
    ended_ = ended_ || first == close_frame;
    if (!waits) flush();
    return {};
  }

  /// One write, of all that waits. Whether nothing does afterwards; what the socket does not take
  /// goes on as soon as it can.
  bool flush();

  void flush_at_last();  // for the flusher

  /// Writes what the socket takes at once, and closes it: nobody is left to wait for the rest.
  void end();

  std::size_t size() const { return waiting_.size(); }

  tcp_stream stream;

 private:
  static constexpr std::size_t write_bytes = 65'536;
  static constexpr unsigned char close_frame = 0x88, ping_frame = 0x89, pong_frame = 0x8A;

  void flush_later();

  flusher& flusher_;
  boost::beast::flat_buffer waiting_;
  bool listed_ = false;  // the flusher knows
  bool blocked_ = false;
  bool ended_ = false;  // a close frame was added: what comes behind it is dropped
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

  tcp_layer(tcp_layer&&) = default;
  ~tcp_layer() {
    if (gathering_) gathering_->end();
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

  /// Beast's own frames keep their place among the others. One that may wait no more ends the
  /// connection: Beast's reader fails.
  template <class Buffers, class Token>
  auto async_write_some(Buffers const& buffers, Token&& token) {
    using signature = void(boost::beast::error_code, std::size_t);
    return boost::asio::async_initiate<Token, signature>(
        [this](auto handler, auto const& buffers) {
          auto const failed = gathering_->add_from_beast(buffers);
          auto const size = failed ? 0 : boost::asio::buffer_size(buffers);
          boost::asio::post(get_executor(),
                            boost::beast::bind_front_handler(std::move(handler), failed, size));
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

  /// The close frame first, then the end of the TCP connection.
  template <class Handler>
  friend void async_teardown(boost::beast::role_type, tcp_layer& layer, Handler&& handler) {
    layer.on_teardown();
    boost::asio::async_compose<Handler, void(boost::beast::error_code)>(
        [gathering = layer.gathering_, over = false](auto& self,
                                                     boost::beast::error_code failed = {}) mutable {
          auto& socket = gathering->stream.socket();
          if (over) return self.complete(failed);
          if (!failed && !gathering->flush()) {
            return socket.async_wait(socket.wait_write, std::move(self));
          }
          over = true;
          end_tcp(socket, std::move(self));
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
