#pragma once

#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <functional>
#include <memory>

#include "ending.hpp"
#include "frames.hpp"
#include "settings.hpp"

/// The executor is the loop's own: nothing is type-erased.
using tcp_executor = boost::asio::io_context::executor_type;
using tcp_stream = boost::beast::basic_stream<boost::asio::ip::tcp, tcp_executor>;

/// Text that is ready to be sent; all who receive it share it.
using shared_text = std::shared_ptr<text_frame const>;

class flusher;

/// The frames that wait for one socket. Whoever waits for the socket holds it.
class gathering : public std::enable_shared_from_this<gathering> {
 public:
  explicit gathering(tcp_stream stream);

  /// Whether a frame of so many bytes may wait, too.
  bool has_room_for(std::size_t bytes) const {
    return waiting_.size() + bytes + frame_queue::overhead <= outbox_bytes_max;
  }

  /// Takes all: what waits is bounded by who sends. It goes out when the flusher says so.
  void add(frame_queue::frame one);

  /// What Beast writes by itself, a whole frame or the answer to the upgrade. Pings and pongs wait
  /// as messages do, and within the same bound: who sends pings and reads nothing would fill the
  /// memory. Nothing else waits for others, and a close takes along what waits before it.
  template <class Buffers>
  boost::beast::error_code add_from_beast(Buffers const& buffers) {
    unsigned char first = 0;
    boost::asio::buffer_copy(boost::asio::buffer(&first, 1), buffers);
    auto const waits = first == ping_frame || first == pong_frame;
    if (waits && !has_room_for(boost::asio::buffer_size(buffers))) {
      return boost::asio::error::no_buffer_space;
    }
    add(std::make_shared<std::string const>(boost::beast::buffers_to_string(buffers)));
    ended_ = ended_ || first == close_frame;
    if (!waits) flush();
    return {};
  }

  /// Writes all that waits. Whether nothing does afterwards; what the socket does not take goes on
  /// as soon as it can.
  bool flush();

  void flush_at_last();  // for the flusher

  /// Writes what the socket takes at once, and closes it: nobody is left to wait for the rest.
  void end();

  tcp_stream stream;

 private:
  static constexpr std::size_t write_bytes = 65'536;
  static constexpr unsigned char close_frame = 0x88, ping_frame = 0x89, pong_frame = 0x8A;

  void flush_later();
  bool write_some();  // whether the socket may take more

  flusher& flusher_;
  frame_queue waiting_;
  bool listed_ = false;  // the flusher knows
  bool blocked_ = false;
  bool ended_ = false;  // by a close frame or a failure: what comes behind it is dropped
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
  bool has_room_for(text_frame const& text) const {
    return gathering_->has_room_for(text.bytes.size());
  }
  void close() { next_layer().close(); }

  void add(shared_text text) {
    auto const* const bytes = &text->bytes;
    gathering_->add({std::move(text), bytes});
  }

  template <class Buffers, class Token>
  auto async_read_some(Buffers const& buffers, Token&& token) {
    return next_layer().socket().async_read_some(buffers, std::forward<Token>(token));
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
