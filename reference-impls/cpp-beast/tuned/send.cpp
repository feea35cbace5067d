#include <iostream>

#include "connection.hpp"

/// The frame is made here, and goes past Beast: the layer keeps it in its place among Beast's own.
void connection::send(shared_text text) {
  if (closing_) return;
  auto& writer = layer().writer();
  if (writer.makes_room_for(text->size())) return writer.add_text(*text);
  close(websocket::close_code::try_again_later, slow);
}

/// Who has too much left once the socket is full is slow, whatever a turn brought.
void connection::write() {
  if (layer().writer().lags_behind()) close(websocket::close_code::try_again_later, slow);
}

/// The layer keeps all frames in their order.
void connection::read_on() {
  read();
}

/// What a handler throws costs its own connection alone.
void connection::serve(request const& request) try {
  rooms_.serve(*this, request);
} catch (std::exception const& why) {
  std::cerr << "a handler threw: " << why.what() << '\n';
  close(websocket::close_code::internal_error, "Internal error");
}

void connection::close_at_last(websocket::close_reason const& why) {
  write_close(why);
}
