#include "connection.hpp"

#include "names.hpp"

namespace {

using websocket::close_code;

constexpr std::size_t message_bytes_max = 65'536;
/// A buffer that one long message made larger than this is given back.
constexpr std::size_t kept_bytes_max = 4'096;
constexpr std::chrono::seconds close_timeout{2};
constexpr std::chrono::milliseconds read_first{100};

}  // namespace

connection::connection(tcp_layer stream, std::string user, rooms& rooms, timing timing)
    : user(std::move(user)), stream_(std::move(stream)), rooms_(rooms), timing_(timing) {}

void connection::run(http::request<http::empty_body> const& upgrade) {
  stream_.read_message_max(message_bytes_max);
  stream_.auto_fragment(false);
  stream_.next_layer().on_teardown = [this] { begin_end(); };
  stream_.control_callback([this](auto kind, auto) {
    last_frame_ = clock::now();
    // Beast would answer a close with any code beyond 4999 in kind: there are no such codes.
    auto const odd = kind == websocket::frame_type::close && stream_.reason().code > 4999;
    if (odd && begin_end()) write_close({close_code::protocol_error, "No such close code"});
  });
  // The request need not outlive this call: the answer is made from it at once.
  stream_.async_accept(upgrade, [self = shared_from_this()](auto failed) {
    if (failed) return;
    self->rooms_.enter(*self);
    self->keep_alive();
    self->read();
  });
}

void connection::read() {
  stream_.async_read(inbox_, [self = shared_from_this()](auto failed, auto) {
    if (failed) return self->rooms_.exit(*self);
    self->last_frame_ = clock::now();
    // After a close was sent, reading goes on only to find the answer to it.
    if (!self->closing_) self->serve();
    self->inbox_.clear();
    if (self->inbox_.capacity() > kept_bytes_max) self->inbox_.shrink_to_fit();
    self->read_on();
  });
}

void connection::serve() {
  if (!stream_.got_text()) return close(close_code::unknown_data, "Malformed message");
  std::string_view const text{static_cast<char const*>(inbox_.cdata().data()), inbox_.size()};
  if (auto const request = parsed(text)) return serve(*request);
  // Beast checks UTF-8, but overlooks a code point cut off by an empty last fragment.
  close(valid_utf8(text) ? close_code::unknown_data : close_code::bad_payload, "Malformed message");
}

void connection::close(close_code code, char const* reason) {
  if (begin_end()) close_at_last({code, reason});
}

void connection::write_close(websocket::close_reason const& why) {
  stream_.async_close(why, [self = shared_from_this()](auto) {});
}

/// Whoever closes: nothing more is served or sent, and who does not end soon is ended.
bool connection::begin_end() {
  if (std::exchange(closing_, true)) return false;
  timer_.expires_after(close_timeout);
  timer_.async_wait([weak = weak_from_this()](auto) {
    auto const self = weak.lock();
    if (!self) return;
    // A reset: the kernel would go on offering what it has of it.
    beast::error_code ignored;
    beast::get_lowest_layer(self->stream_)
        .socket()
        .set_option(net::socket_base::linger(true, 0), ignored);
    self->stream_.next_layer().close();
  });
  return true;
}

/// Beast's own idle timeout drops the connection: the protocol wants a close with 1001 first. A
/// process that stood still may hear of its timers before it hears of its sockets, so that a silent
/// client has a moment more.
void connection::keep_alive() {
  auto const left = last_frame_ + timing_.idle_timeout - clock::now();
  auto const is_late = std::exchange(overdue_, left <= left.zero());
  if (overdue_ && is_late) return close(close_code::going_away, "Heartbeat timeout");
  timer_.expires_after(overdue_ ? read_first
                                : std::min<clock::duration>(left, timing_.ping_interval));
  timer_.async_wait([weak = weak_from_this()](auto) {
    auto const self = weak.lock();
    if (!self || self->closing_) return;
    if (!std::exchange(self->pinging_, true)) {
      self->stream_.async_ping({}, [self](auto) { self->pinging_ = false; });
    }
    self->keep_alive();
  });
}
