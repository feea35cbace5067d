#include "connection.hpp"

void connection::send(shared_text text) {
  if (closing_) return;
  outbox_.bytes += text->size();
  if (outbox_.bytes > outbox_bytes_max) return close(websocket::close_code::try_again_later, slow);
  outbox_.texts.push_back(std::move(text));
  if (outbox_.texts.size() == 1) write();
}

void connection::write() {
  auto const next = net::buffer(*outbox_.texts.front());
  stream_.async_write(next, [self = shared_from_this()](auto failed, auto) {
    auto& outbox = self->outbox_;
    outbox.bytes -= outbox.texts.front()->size();
    outbox.texts.pop_front();
    if (!failed && !self->closing_ && !outbox.texts.empty()) self->write();
  });
}
