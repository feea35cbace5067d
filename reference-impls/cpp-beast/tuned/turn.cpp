#include "turn.hpp"

#include <algorithm>

namespace net = boost::asio;

turn::turn(net::execution_context& context, std::chrono::milliseconds delay)
    : service(context),
      io_(static_cast<net::io_context&>(context)),
      delay_(delay),
      timer_(io_.get_executor()) {}

void turn::add(news_source& one) {
  ++added_;
  if (!one.is_linked()) waiting_.push_back(one);
  if (!std::exchange(under_way_, true)) begin();
}

void turn::begin() {
  if (delay_.count() == 0) return read_first();
  timer_.expires_after(delay_);
  timer_.async_wait([this](auto failed) {
    if (!failed) end();
  });
}

/// Reading may take as long as writing did the last time. With less of the time, messages would
/// wait in the sockets where they should gather; with more, those that are read would wait.
void turn::read_first() {
  reading_ends_ = clock::now() + std::max<clock::duration>(reading_least, writing_took_);
  wait_for_its_end();
}

/// A message that Beast has read already is served in a pass of the loop of its own, so that one
/// pass in which nothing came is the end of reading. So is one that brought little: under load each
/// brings some, and all others would wait for those.
void turn::wait_for_its_end() {
  added_ = 0;
  // Asio puts it behind all that is ready now.
  net::post(io_, [this] {
    if (added_ > few && clock::now() < reading_ends_) return wait_for_its_end();
    end();
  });
}

void turn::end() {
  auto const begun = clock::now();
  write_until(delay_.count() == 0 ? begun + writing_most : clock::time_point::max());
  writing_took_ = clock::now() - begun;
  if (!waiting_.empty()) return read_first();
  under_way_ = false;
}

/// One at least, whole: members of a room are given the same bytes.
void turn::write_until(clock::time_point end) {
  while (!waiting_.empty()) {
    auto& one = waiting_.front();
    waiting_.pop_front();
    one.write_news();
    if (clock::now() >= end) return;
  }
}
