#include "connection.hpp"

/// Beast's synchronous write makes the frame, and the layer takes it at once: nothing blocks.
void connection::send(shared_text text) {
  if (closing_) return;
  if (stream_.next_layer().waiting() + text->size() > outbox_bytes_max) {
    return close(websocket::close_code::try_again_later, slow);
  }
  beast::error_code ended;  // the reader hears of it, too
  stream_.write(net::buffer(*text), ended);
}

/// The layer keeps all frames in their order.
void connection::read_on() {
  read();
}

void connection::close_at_last(websocket::close_reason const& why) {
  write_close(why);
}
