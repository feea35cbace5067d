#include "delivery.hpp"

#include <algorithm>

#include "chat.hpp"

namespace {

// A turn may bring more than may wait: beyond this it is written before the turn ends.
constexpr std::size_t write_bytes = 256 * 1024;

std::shared_ptr<frame const> framed(std::string_view text) {
  auto made = std::make_shared<frame>();
  made->bytes.resize(uWS::protocol::messageFrameSize(text.size()));
  made->header_bytes = made->bytes.size() - text.size();
  uWS::protocol::formatMessage</*isServer=*/true>(made->bytes.data(), text.data(), text.size(),
                                                  uWS::OpCode::TEXT, text.size(),
                                                  /*compressed=*/false, /*fin=*/true);
  return made;
}

outbox& outbox_of(socket_t* socket) {
  return socket->getUserData()->waiting;
}

us_socket_t* raw(socket_t* socket) {
  return reinterpret_cast<us_socket_t*>(socket);
}

/// What the library could not write. It writes this before its own pongs and closes, so that the
/// rest of a frame must be here. WebSocket::send would try to write all of it each time.
uWS::BackPressure& backpressure(socket_t* socket) {
  return static_cast<uWS::AsyncSocketData<false>*>(us_socket_ext(0, raw(socket)))->buffer;
}

/// Whether frames of this socket are in the library's cork buffer: nothing may overtake them.
bool corked(socket_t* socket) {
  auto* const loop = reinterpret_cast<us_loop_t*>(uWS::Loop::get());
  auto const& data = *static_cast<uWS::LoopData*>(us_loop_ext(loop));
  return data.corkedSocket == socket && data.corkOffset > 0;
}

/// What was not written makes uSockets wait until the socket is writable.
std::size_t written(socket_t* socket, std::string_view bytes) {
  return us_socket_write(0, raw(socket), bytes.data(), static_cast<int>(bytes.size()), 0);
}

}  // namespace

delivery::delivery(uWS::App&) {
  uWS::Loop::get()->addPostHandler(this, [this](uWS::Loop*) { end_turn(); });
}

void delivery::join(socket_t* socket, std::string const& topic) {
  topics_[topic].push_back(socket);
}

void delivery::leave(socket_t* socket, std::string const& topic) {
  auto const found = topics_.find(topic);
  auto& members = found->second;
  std::swap(*std::ranges::find(members, socket), members.back());
  members.pop_back();
  if (members.empty()) topics_.erase(found);
}

bool delivery::reaches_anybody(std::string const& topic) const {
  return topics_.contains(topic);
}

void delivery::publish(std::string const& topic, std::string_view text) {
  auto const found = topics_.find(topic);
  if (found == topics_.end()) return;
  auto const frame = framed(text);
  for (auto* const socket : found->second) post(socket, frame);
}

void delivery::send(socket_t* socket, std::string_view text) {
  post(socket, framed(text));
}

void delivery::end(socket_t* socket, int code, std::string_view reason) {
  hand_over(socket);
  socket->end(code, reason);
}

/// The library answers a close by itself: what was posted to the closing socket goes before.
void delivery::served(socket_t* socket) {
  check_limit(socket);
  hand_over(socket);
}

void delivery::drained(socket_t* socket) {
  write(socket);
}

void delivery::closed(socket_t* socket) {
  auto const index = outbox_of(socket).turn_index;
  if (index > 0) turn_[index - 1] = nullptr;
}

void delivery::post(socket_t* socket, std::shared_ptr<frame const> const& frame) {
  auto& box = outbox_of(socket);
  if (box.overrun) return;
  box.frames.push_back(frame);
  box.bytes += frame->bytes.size();
  note(socket);
  if (box.bytes >= write_bytes) write(socket);
  check_limit(socket);
}

void delivery::note(socket_t* socket) {
  auto& box = outbox_of(socket);
  if (box.turn_index > 0) return;
  turn_.push_back(socket);
  box.turn_index = turn_.size();
}

/// To the library: behind what it could not write, else into its cork buffer, which is written at
/// the end of what was read.
void delivery::hand_over(socket_t* socket) {
  auto& box = outbox_of(socket);
  if (box.frames.empty()) return;
  if (box.bytes >= uWS::LoopData::CORK_BUFFER_SIZE) write(socket);
  socket->cork([&] {
    for (auto const& frame : box.frames) {
      if (socket->getBufferedAmount() > 0) {
        backpressure(socket).append(frame->bytes.data(), frame->bytes.size());
      } else {
        socket->send(frame->text(), uWS::OpCode::TEXT);
      }
    }
  });
  box.frames.clear();
  box.bytes = 0;
}

/// Until a write is cut short. What it left goes to the library, which says when it has drained.
void delivery::write(socket_t* socket) {
  auto& box = outbox_of(socket);
  while (!box.frames.empty() && socket->getBufferedAmount() == 0 && !corked(socket)) {
    batch_.clear();
    auto next = box.frames.begin();
    while (next != box.frames.end() && batch_.size() < write_bytes) batch_ += (*next++)->bytes;
    box.frames.erase(box.frames.begin(), next);
    box.bytes -= batch_.size();
    auto const done = written(socket, batch_);
    if (done < batch_.size()) {
      backpressure(socket).append(batch_.data() + done, batch_.size() - done);
    }
  }
}

/// Pongs count too: they are with the library.
void delivery::check_limit(socket_t* socket) {
  auto& box = outbox_of(socket);
  auto const over = [&] { return box.bytes + socket->getBufferedAmount() > pending_bytes_max; };
  if (box.overrun || !over()) return;
  // The client may have read since the last write.
  auto& rest = backpressure(socket);
  rest.erase(static_cast<unsigned>(written(socket, {rest.data(), rest.length()})));
  write(socket);
  if (!over()) return;
  // To close calls handlers, which a loop over a topic would not survive.
  box = {.frames = {}, .bytes = 0, .turn_index = box.turn_index, .overrun = true};
  note(socket);
}

/// A connection that ends posts to others: so the list may grow meanwhile.
void delivery::end_turn() {
  for (std::size_t index = 0; index < turn_.size(); ++index) {
    auto* const socket = turn_[index];
    if (!socket) continue;
    auto& box = outbox_of(socket);
    box.turn_index = 0;
    if (box.overrun) {
      socket->close();
    } else {
      write(socket);
    }
  }
  turn_.clear();
}
