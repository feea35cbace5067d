#include "transport.hpp"

#include <chrono>
#include <string_view>
#include <vector>

namespace net = boost::asio;

/// One for each loop: writes to all sockets for which something waits, once nobody adds to that any
/// more, or after the delay. A message that Beast has read already is served in a pass of the loop
/// of its own, so that one pass in which nothing came is the end of a turn.
class flusher : public net::execution_context::service {
 public:
  using key_type = flusher;
  static inline net::execution_context::id id;

  explicit flusher(net::execution_context& context, std::chrono::milliseconds delay = {})
      : service(context),
        io_(static_cast<net::io_context&>(context)),
        delay_(delay),
        timer_(io_.get_executor()) {}

  void add(std::shared_ptr<gathering> one) {
    waiting_.push_back(std::move(one));
    if (waiting_.size() > 1) return;
    if (delay_.count() == 0) {
      turn_ends_ = clock::now() + turn_max;
      wait_for_the_end_of_the_turn();
    } else {
      timer_.expires_after(delay_);
      timer_.async_wait([this](auto failed) {
        if (!failed) flush();
      });
    }
  }

  /// There is something new, for whoever: a turn goes on.
  void added_to() { added_ = true; }

  void shutdown() noexcept override { waiting_.clear(); }

 private:
  using clock = std::chrono::steady_clock;
  using timer = net::basic_waitable_timer<clock, net::wait_traits<clock>, tcp_executor>;

  // Under load something always comes.
  static constexpr std::chrono::milliseconds turn_max{2};

  void wait_for_the_end_of_the_turn() {
    added_ = false;
    // Asio puts it behind all that is ready now.
    net::post(io_, [this] {
      if (added_ && clock::now() < turn_ends_) return wait_for_the_end_of_the_turn();
      flush();
    });
  }

  void flush() {
    flushed_.swap(waiting_);
    for (auto const& one : flushed_) one->flush_at_last();
    flushed_.clear();
  }

  net::io_context& io_;
  std::chrono::milliseconds const delay_;
  timer timer_;
  clock::time_point turn_ends_;
  bool added_ = false;
  std::vector<std::shared_ptr<gathering>> waiting_, flushed_;
};

gathering::gathering(tcp_stream from)
    : stream(std::move(from)),
      flusher_(net::use_service<flusher>(stream.get_executor().context())) {}

void gathering::add(frame_queue::frame one) {
  if (ended_) return;
  waiting_.push(std::move(one));
  flush_later();
  if (waiting_.size() >= write_bytes && !blocked_) flush();
}

void gathering::flush_later() {
  flusher_.added_to();
  if (!std::exchange(listed_, true)) flusher_.add(shared_from_this());
}

void gathering::flush_at_last() {
  listed_ = false;
  flush();
}

void gathering::end() {
  boost::beast::error_code ignored;
  ended_ = true;
  flush();
  stream.socket().close(ignored);
}

bool gathering::write_some() {
  auto const buffers = waiting_.first();
  boost::beast::error_code failed;
  auto const written = stream.socket().write_some(buffers, failed);
  if (failed == net::error::would_block) return false;
  if (!failed) {
    waiting_.consume(written);
    return written == net::buffer_size(buffers);
  }
  // Whoever reads hears of the end of the connection: here nothing is left to do.
  waiting_.clear();
  ended_ = true;
  return false;
}

bool gathering::flush() {
  while (!waiting_.empty() && write_some()) {
  }
  if (!waiting_.empty() && !std::exchange(blocked_, true)) {
    auto& socket = stream.socket();
    socket.async_wait(socket.wait_write, [self = shared_from_this()](auto stopped) {
      self->blocked_ = false;
      if (!stopped) self->flush();
    });
  }
  return waiting_.empty();
}

void prepare(net::io_context& io) {
  auto const named = setting("CHAT_VARIANT", "default") == "coalesced";
  auto const delay = named ? setting("CHAT_WRITE_DELAY_MS", 20, write_delay_ms_max) : 0;
  net::make_service<flusher>(io, std::chrono::milliseconds(delay));
}
