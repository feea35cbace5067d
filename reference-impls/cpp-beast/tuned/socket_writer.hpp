#pragma once

#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "frame_log.hpp"
#include "settings.hpp"
#include "turn.hpp"

using tcp_stream = boost::beast::basic_stream<boost::asio::ip::tcp, tcp_executor>;

/// From so many bytes on that are new nothing waits for the turn to end.
constexpr std::size_t write_bytes = 262'144;

/// What waits for one socket: the news of the logs that it follows, and frames for it alone. It has
/// places in logs and no list of messages; all that waits goes out in one write. Whoever waits for
/// the socket holds it.
class socket_writer : public std::enable_shared_from_this<socket_writer>, public news_source {
 public:
  explicit socket_writer(tcp_stream stream);

  /// From its end on. The log has to stay where it is until it is unfollowed.
  void follow(frame_log& log);

  /// What it had until now goes out all the same.
  void unfollow(frame_log const& log);

  /// Whether so many bytes may wait, too, if the socket takes what it can.
  bool makes_room_for(std::size_t bytes);

  /// Takes all: what waits is bounded by who sends. It goes out at the end of the turn.
  void add_text(std::string_view text);

  /// What Beast writes by itself, a whole frame or the answer to the upgrade. Pings and pongs wait
  /// as messages do, and within the same bound: who sends pings and reads nothing would fill the
  /// memory. Nothing else waits for others, and a close takes along what waits before it.
  boost::beast::error_code add_from_beast(std::string_view frame);

  /// Writes all that waits. Whether nothing does afterwards; what the socket does not take goes on
  /// as soon as it can.
  bool flush();

  /// The same, but asks no socket that is known to be full. Whether what is left is too much.
  bool lags_behind();

  bool holds_too_much() const;

  void write_news() override { flush_unless_blocked(); }

  /// Writes what the socket takes at once, and closes it: nobody is left to wait for the rest.
  void end();

  turn& of_loop() { return turn_; }

  tcp_stream stream;

 private:
  /// Frames for this socket alone; an idle one has none.
  struct own_frames {
    explicit own_frames(std::size_t first_chunk_bytes) : log(first_chunk_bytes) {}

    frame_log log;
    log_reader reader{log};
  };

  frame_log& own(std::size_t bytes);
  void added();
  void flush_unless_blocked();
  std::size_t waiting() const;
  bool rooms_have_news() const;
  void line_up();
  void line_up(log_reader& what);
  bool write_all();
  bool write_some();  // whether the socket may take more
  void consume(std::size_t written);
  void take_nothing_more();

  turn& turn_;
  std::vector<log_reader> rooms_;
  std::optional<own_frames> own_;
  std::vector<piece> line_;  // what has its place in the order already
  std::size_t line_bytes_ = 0;
  bool blocked_ = false;
  bool ended_ = false;  // by a close frame or a failure: what comes behind it is dropped
};
