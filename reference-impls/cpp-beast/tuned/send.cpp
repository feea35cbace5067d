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
