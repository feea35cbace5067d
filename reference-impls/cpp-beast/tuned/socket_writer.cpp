#include "socket_writer.hpp"

#include <algorithm>
#include <boost/container/static_vector.hpp>

namespace net = boost::asio;
using boost::beast::error_code;

namespace {

/// For frames of so many bytes: a ping and a direct message of 1 KB are in one piece each.
std::size_t first_chunk_for(std::size_t bytes) {
  return bytes < 1'000 ? frame_log::first_chunk_bytes : 4'096;
}

/// Less than that of a room that is left is copied: a piece keeps its whole chunk, and who joins
/// and leaves again and again would keep one each time.
constexpr std::size_t copied_bytes = 4'096;

constexpr char close_frame = '\x88', ping_frame = '\x89', pong_frame = '\x8A';

}  // namespace

socket_writer::socket_writer(tcp_stream from)
    : stream(std::move(from)), turn_(net::use_service<turn>(stream.get_executor().context())) {}

void socket_writer::follow(frame_log& log) {
  if (!ended_) rooms_.emplace_back(log);
}

void socket_writer::unfollow(frame_log const& log) {
  auto const found = std::ranges::find(rooms_, &log, &log_reader::log);
  if (found == rooms_.end()) return;
  auto const news = found->news();
  if (news > 0) turn_.add(*this);
  if (news >= copied_bytes) {
    line_up();
  } else if (news > 0) {
    std::vector<piece> last;
    found->take(last);
    for (auto const& each : last) {
      own(each.size).append({each.in->bytes.get() + each.offset, each.size});
    }
  }
  rooms_.erase(found);
}

bool socket_writer::holds_too_much() const {
  return waiting() > outbox_bytes_max;
}

bool socket_writer::makes_room_for(std::size_t bytes) {
  if (waiting() + bytes <= outbox_bytes_max) return true;
  flush();
  return waiting() + bytes <= outbox_bytes_max;
}

void socket_writer::add_text(std::string_view text) {
  if (ended_) return;
  own(text.size()).append_text(text);
  added();
}

error_code socket_writer::add_from_beast(std::string_view frame) {
  auto const waits = frame.front() == ping_frame || frame.front() == pong_frame;
  if (waits && !makes_room_for(frame.size())) return net::error::no_buffer_space;
  if (ended_) return {};
  own(frame.size()).append(frame);
  if (waits) {
    added();
  } else {
    flush();
  }
  if (frame.front() == close_frame) take_nothing_more();
  return {};
}

/// Where a frame of so many bytes for this socket goes, behind all that its rooms have said.
frame_log& socket_writer::own(std::size_t bytes) {
  if (rooms_have_news()) line_up();
  if (!own_) own_.emplace(first_chunk_for(bytes));
  return own_->log;
}

void socket_writer::added() {
  if (line_bytes_ + own_->reader.news() >= write_bytes) return flush_unless_blocked();
  turn_.add(*this);
}

bool socket_writer::lags_behind() {
  flush_unless_blocked();
  return holds_too_much();
}

void socket_writer::flush_unless_blocked() {
  if (!blocked_) flush();
}

std::size_t socket_writer::waiting() const {
  auto bytes = line_bytes_ + line_.size() * sizeof(piece);
  if (own_) bytes += own_->reader.news();
  for (auto const& each : rooms_) bytes += each.news();
  return bytes;
}

bool socket_writer::rooms_have_news() const {
  return std::ranges::any_of(rooms_, [](auto& each) { return each.news() > 0; });
}

/// All news there are, its own first: rooms' were lined up before that came.
void socket_writer::line_up() {
  if (own_) line_up(own_->reader);
  for (auto& each : rooms_) line_up(each);
}

void socket_writer::line_up(log_reader& what) {
  line_bytes_ += what.news();
  if (what.news() > 0) what.take(line_);
}

bool socket_writer::flush() {
  if (is_linked()) unlink();  // a room's turn came before its own, and takes this along
  if (!write_all() && !std::exchange(blocked_, true)) {
    auto& socket = stream.socket();
    socket.async_wait(socket.wait_write, [self = shared_from_this()](auto stopped) {
      self->blocked_ = false;
      if (!stopped) self->flush();
    });
  }
  return line_.empty();
}

bool socket_writer::write_all() {
  line_up();
  while (!line_.empty() && write_some()) {
  }
  if (line_.empty()) own_.reset();
  return line_.empty();
}

bool socket_writer::write_some() {
  // As many as Asio gives to one system call.
  boost::container::static_vector<net::const_buffer, 64> buffers;
  for (auto const& each : line_) {
    if (buffers.size() == buffers.capacity()) break;
    buffers.emplace_back(each.in->bytes.get() + each.offset, each.size);
  }
  error_code failed;
  auto const written = stream.socket().write_some(buffers, failed);
  if (failed == net::error::would_block) return false;
  if (!failed) {
    consume(written);
    return written == net::buffer_size(buffers);
  }
  // Whoever reads hears of the end of the connection: here nothing is left to do.
  line_.clear();
  line_bytes_ = 0;
  take_nothing_more();
  return false;
}

void socket_writer::consume(std::size_t written) {
  line_bytes_ -= written;
  auto first = line_.begin();
  while (first != line_.end() && first->size <= written) written -= (first++)->size;
  if (first != line_.end()) {
    first->offset += written;
    first->size -= written;
  }
  line_.erase(line_.begin(), first);
}

/// A log that is no longer read from is no longer held.
void socket_writer::take_nothing_more() {
  ended_ = true;
  rooms_.clear();
}

void socket_writer::end() {
  error_code ignored;
  write_all();
  take_nothing_more();
  stream.socket().close(ignored);
}
