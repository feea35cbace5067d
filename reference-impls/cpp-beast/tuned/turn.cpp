#include "turn.hpp"

#include <algorithm>

namespace net = boost::asio;

turn::turn(net::execution_context& context, std::chrono::milliseconds delay)
    : service(context),
      io_(static_cast<net::io_context&>(context)),
      delay_(delay),
      timer_(io_.get_executor()) {}

void turn::add(news_source& one) {
  added_ = true;
  if (!one.is_linked()) waiting_.push_back(one);
  if (!std::exchange(under_way_, true)) begin();
}

/// Reading may take as long as writing did the last time. With less of the time, messages would
/// wait in the sockets where they should gather; with more, those that are read would wait.
void turn::begin() {
  if (delay_.count() == 0) {
    reading_ends_ = clock::now() + std::max<clock::duration>(reading_least, writing_took_);
    return wait_for_its_end();
  }
  timer_.expires_after(delay_);
  timer_.async_wait([this](auto failed) {
    if (!failed) end();
  });
}

/// A message that Beast has read already is served in a pass of the loop of its own, so that one
/// pass in which nothing came is the end of a turn.
void turn::wait_for_its_end() {
  added_ = false;
  // Asio puts it behind all that is ready now.
  net::post(io_, [this] {
    if (added_ && clock::now() < reading_ends_) return wait_for_its_end();
    end();
  });
}

void turn::end() {
  auto const begun = clock::now();
  under_way_ = false;
  news_list news;
  news.swap(waiting_);
  while (!news.empty()) {
    auto& one = news.front();
    news.pop_front();
    one.write_news();
  }
  writing_took_ = clock::now() - begun;
}
