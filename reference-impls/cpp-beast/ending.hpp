#pragma once

#include <array>
#include <boost/asio.hpp>

/// Ends the TCP connection behind a close frame, and reads until the client does so, too. Beast's
/// own teardown closes the socket after one read: what is unread then makes a reset, which takes
/// from the client what it has not read yet.
template <class Socket, class Handler>
void end_tcp(Socket& socket, Handler&& handler) {
  using boost::system::error_code;
  boost::asio::async_compose<Handler, void(error_code)>(
      [&socket, begun = false](auto& self, error_code ended = {}, std::size_t = 0) mutable {
        static std::array<char, 4096> unread;
        error_code ignored;
        if (!std::exchange(begun, true)) socket.shutdown(socket.shutdown_send, ignored);
        if (!ended) return socket.async_read_some(boost::asio::buffer(unread), std::move(self));
        socket.close(ignored);
        self.complete({});
      },
      handler, socket);
}
