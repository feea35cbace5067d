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
    if (failed) outbox.before_reading = std::min<std::size_t>(outbox.before_reading, 1);
    // Who takes what it asked for is alive.
    if (outbox.before_reading > 0) self->last_frame_ = clock::now();
    if (outbox.before_reading > 0 && --outbox.before_reading == 0) self->read();
    if (failed) return;
    if (!outbox.texts.empty()) return self->write();
    if (outbox.last_words) self->write_close(*outbox.last_words);
  });
}

/// Beast's own frames, closes among them, go ahead of what waits here. So the next request, to
/// which Beast may answer with a close, is read when all that the last one brought is written.
void connection::read_on() {
  if (outbox_.texts.empty()) return read();
  outbox_.before_reading = outbox_.texts.size();
}

/// What a handler throws goes on to io_context::run, and ends the program.
void connection::serve(request const& request) {
  rooms_.serve(*this, request);
}

void connection::close_at_last(websocket::close_reason const& why) {
  if (outbox_.texts.empty()) return write_close(why);
  outbox_.last_words = why;
}
