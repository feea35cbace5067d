#pragma once

#include <boost/asio.hpp>
#include <boost/intrusive/list.hpp>
#include <chrono>

/// The executor is the loop's own: nothing is type-erased.
using tcp_executor = boost::asio::io_context::executor_type;

/// What may have news for sockets: it is listed for the end of a turn as long as it has some.
class news_source : public boost::intrusive::list_base_hook<
                        boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  virtual void write_news() = 0;

 protected:
  ~news_source() = default;
};

/// One for each loop: a turn reads all that has come, and then writes to each socket once. While it
/// writes, more comes: the busier the loop is, the more messages a write takes, and an idle one
/// writes at once. Long writing is cut into parts, between which it reads: whoever has waited
/// longest is written first, with all that has come by then. With a delay a turn ends by a timer,
/// and writes all at once.
class turn : public boost::asio::execution_context::service {
 public:
  using key_type = turn;
  static inline boost::asio::execution_context::id id;

  explicit turn(boost::asio::execution_context& context, std::chrono::milliseconds delay = {});

  /// It has news, maybe more than before: the turn goes on.
  void add(news_source& one);

  void shutdown() noexcept override { waiting_.clear(); }

 private:
  using clock = std::chrono::steady_clock;
  using timer =
      boost::asio::basic_waitable_timer<clock, boost::asio::wait_traits<clock>, tcp_executor>;
  using news_list =
      boost::intrusive::list<news_source, boost::intrusive::constant_time_size<false>>;

  // Under load something always comes.
  static constexpr std::chrono::milliseconds reading_least{2};
  static constexpr std::chrono::milliseconds writing_most{2};  // a room of 100 takes about as long
  static constexpr std::size_t few = 16;

  void begin();
  void read_first();
  void wait_for_its_end();
  void end();
  void write_until(clock::time_point end);

  boost::asio::io_context& io_;
  std::chrono::milliseconds const delay_;
  timer timer_;
  clock::time_point reading_ends_;
  clock::duration writing_took_{};
  bool under_way_ = false;
  std::size_t added_ = 0;  // within a pass of the loop
  news_list waiting_;
};
