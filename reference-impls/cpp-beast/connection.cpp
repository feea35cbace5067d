#include "connection.hpp"

#include "name.hpp"

namespace chat {
namespace {

namespace net = boost::asio;
namespace websocket = beast::websocket;

constexpr std::size_t message_bytes_max = 65'536;
constexpr std::size_t outbox_bytes_max = 1'048'576;
constexpr std::chrono::seconds close_timeout{2};

}  // namespace

connection::connection(beast::tcp_stream stream, beast::flat_buffer const& read_already,
                       std::string user, rooms& rooms, timing timing)
    : member(std::move(user)),
      stream_(std::move(stream)),
      ping_timer_(stream_.get_executor()),
      end_timer_(stream_.get_executor()),
      rooms_(rooms),
      timing_(timing) {
  auto& layer = stream_.next_layer();
  layer.on_teardown = [this] { begin_end(); };
  auto& rewound = layer.buffer();
  rewound.commit(net::buffer_copy(rewound.prepare(read_already.size()), read_already.cdata()));
}

void connection::run(upgrade_request const& upgrade) {
  beast::get_lowest_layer(stream_).expires_never();
  // Beast's own idle timeout drops the connection: the protocol wants a close with 1001 first.
  stream_.set_option(websocket::stream_base::timeout{close_timeout, websocket::stream_base::none(),
                                                     /*keep_alive_pings=*/false});
  stream_.read_message_max(message_bytes_max);
  stream_.auto_fragment(false);
  stream_.control_callback([this](auto kind, auto) { control_received(kind); });
  // The request need not outlive this call: the answer is made from it at once.
  stream_.async_accept(upgrade, [self = shared_from_this()](auto failed) { self->opened(failed); });
}

void connection::opened(beast::error_code failed) {
  if (failed) return;
  last_frame_ = clock::now();
  rooms_.enter(*this);
  wait_to_ping();
  wait_for_idle();
  read();
}

/// Piece by piece, because a fragment is a sign of life before its message is whole.
void connection::read() {
  stream_.async_read_some(
      inbox_, 0, [self = shared_from_this()](auto failed, auto) { self->received(failed); });
}

void connection::control_received(websocket::frame_type kind) {
  last_frame_ = clock::now();
  // Beast would answer a close with any code beyond 4999 in kind: there are no such codes.
  if (kind == websocket::frame_type::close && stream_.reason().code >= 5000) {
    close(websocket::close_code::protocol_error, "No such close code");
  }
}

void connection::received(beast::error_code failed) {
  if (failed) return ended();
  last_frame_ = clock::now();
  if (stream_.is_message_done()) {
    // After a close was sent, reading goes on only to find the answer to it.
    if (!closing_) serve();
    inbox_.consume(inbox_.size());
  }
  read();
}

void connection::serve() {
  std::string_view const text{static_cast<char const*>(inbox_.cdata().data()), inbox_.size()};
  try {
    if (!stream_.got_text()) throw malformed();
    rooms_.serve(*this, text);
  } catch (malformed const& why) {
    // Beast checks UTF-8, but overlooks a code point cut off by an empty last fragment.
    auto const bad_encoding = stream_.got_text() && !valid_utf8(text);
    close(bad_encoding ? websocket::close_code::bad_payload : websocket::close_code::unknown_data,
          why.what());
  }
}

void connection::send(shared_text text) {
  if (closing_) return;
  outbox_bytes_ += text->size();
  if (outbox_bytes_ > outbox_bytes_max)
    return close(websocket::close_code::try_again_later, "Slow");
  outbox_.push_back(std::move(text));
  if (outbox_.size() == 1) write();
}

void connection::write() {
  stream_.async_write(net::buffer(*outbox_.front()),
                      [self = shared_from_this()](auto failed, auto) {
                        self->outbox_bytes_ -= self->outbox_.front()->size();
                        self->outbox_.pop_front();
                        if (!failed && !self->closing_ && !self->outbox_.empty()) self->write();
                      });
}

void connection::close(std::uint16_t code, std::string_view reason) {
  if (!begin_end()) return;
  stream_.async_close({static_cast<websocket::close_code>(code), reason},
                      [self = shared_from_this()](auto) {});
}

/// Whoever closes: from here on the rooms know this connection no more, and it has a last moment.
bool connection::begin_end() {
  if (std::exchange(closing_, true)) return false;
  auto const self = shared_from_this();
  // Not at once: the rooms may be in the middle of a publish to this very member.
  net::post(stream_.get_executor(), [self] { self->rooms_.exit(*self); });
  end_timer_.expires_after(close_timeout);
  end_timer_.async_wait([self](auto failed) {
    if (!failed) beast::get_lowest_layer(self->stream_).close();
  });
  return true;
}

void connection::wait_to_ping() {
  ping_timer_.expires_after(timing_.ping_interval);
  ping_timer_.async_wait([self = shared_from_this()](auto failed) {
    if (failed || self->closing_) return;
    self->stream_.async_ping({}, [self](auto failed) {
      if (!failed && !self->closing_) self->wait_to_ping();
    });
  });
}

void connection::wait_for_idle() {
  end_timer_.expires_at(last_frame_ + timing_.idle_timeout);
  end_timer_.async_wait([self = shared_from_this()](auto failed) {
    if (failed || self->closing_) return;
    if (clock::now() < self->last_frame_ + self->timing_.idle_timeout) {
      return self->wait_for_idle();
    }
    self->close(websocket::close_code::going_away, "Heartbeat timeout");
  });
}

void connection::ended() {
  closing_ = true;
  ping_timer_.cancel();
  end_timer_.cancel();
  rooms_.exit(*this);
}

}  // namespace chat
