#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "connection.hpp"

namespace chat {

/// Accepts connections, answers plain HTTP, and makes WebSockets of upgrades.
class listener {
 public:
  /// Throws boost::system::system_error if the port can't be had.
  listener(boost::asio::io_context& io, std::string const& host, std::uint16_t port, rooms& rooms,
           timing timing);

  void stop();

 private:
  void accept();

  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  rooms& rooms_;
  timing const timing_;
};

}  // namespace chat
