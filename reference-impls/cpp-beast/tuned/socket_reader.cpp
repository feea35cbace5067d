#include "socket_reader.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace net = boost::asio;
using boost::beast::error_code;

namespace {

constexpr std::size_t header_bytes_max = 14;

/// With its header (RFC 6455, 5.2). Nothing if that is cut off.
std::uint64_t size_of_frame(std::string_view bytes) {
  auto const at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (bytes.size() < 2) return 0;
  std::uint64_t payload = at(1) & 0x7F;
  std::size_t const further = payload == 126 ? 2 : payload == 127 ? 8 : 0;  // bytes of the length
  std::size_t const key = (at(1) & 0x80) != 0 ? 4 : 0;
  auto const header = 2 + further + key;
  if (bytes.size() < header) return 0;
  if (further > 0) payload = 0;
  for (std::size_t i = 0; i < further; ++i) payload = payload << 8 | at(2 + i);
  return header + std::min(payload, UINT64_MAX - header);  // Beast refuses what is too long
}

}  // namespace

void socket_reader::read(std::unique_ptr<pending_read> next) {
  next_ = std::move(next);
  if (passing_on_) return;
  if (of_frame(rest_) == 0) return wait_for_socket();
  net::post(writer_->stream.get_executor(),
            [self = shared_from_this(), held = std::move(next_)]() mutable {
              self->next_ = std::move(held);
              self->pass_on(std::exchange(self->rest_, {}));
            });
}

/// The loop holds the read, so that it goes when the loop does.
void socket_reader::wait_for_socket() {
  auto& socket = writer_->stream.socket();
  socket.async_wait(socket.wait_read, [self = shared_from_this(),
                                       held = std::move(next_)](error_code failed) mutable {
    self->next_ = std::move(held);
    self->receive(failed);
  });
}

void socket_reader::receive(error_code failed) {
  // One for all sockets of the thread: what is left in the end is copied.
  static thread_local std::array<char, header_bytes_max + received_bytes_max> bytes;
  auto const kept = rest_.copy(bytes.data(), rest_.size());  // a part of a header
  std::size_t size = 0;
  if (!failed) {
    auto const free = net::buffer(bytes, kept + received_bytes_max) + kept;
    size = writer_->stream.socket().read_some(free, failed);
  }
  if (failed == net::error::would_block) return wait_for_socket();
  if (failed) return std::exchange(next_, {})->complete(failed, 0);
  pass_on({bytes.data(), kept + size});
}

void socket_reader::pass_on(std::string_view bytes) {
  passing_on_ = true;
  while (next_) {
    auto const piece = bytes.substr(0, of_frame(bytes));
    if (piece.empty()) break;
    auto const now = std::exchange(next_, {});
    auto const size = now->fill(piece);
    frame_left_ -= size;
    bytes.remove_prefix(size);
    now->complete({}, size);
  }
  passing_on_ = false;
  rest_ = bytes;
  if (next_) wait_for_socket();
}

std::size_t socket_reader::of_frame(std::string_view bytes) {
  if (frame_left_ == 0) frame_left_ = size_of_frame(bytes);
  return static_cast<std::size_t>(std::min<std::uint64_t>(frame_left_, bytes.size()));
}
