#include <iostream>

#include "connection.hpp"

/// The frame is made already, and goes past Beast: the layer keeps it in its place among Beast's
/// own.
void connection::send(shared_text text) {
  if (closing_) return;
  auto& layer = stream_.next_layer();
  if (!layer.has_room_for(*text)) return close(websocket::close_code::try_again_later, slow);
  layer.add(std::move(text));
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
