#include "state/room_log.hpp"

#include <algorithm>

#include "host/invariant.hpp"
#include "state/planted_fault.hpp"

namespace chinwag {

namespace {

std::uint64_t end_of(const chunk& piece) {
  return piece.base + piece.used;
}

// The chunk that holds the byte at `position`, which lies before the tail.
chunk_id chunk_at(const room_log& log, const chunk_pool& pool, std::uint64_t position) {
  chunk_id id = log.first;
  while (position >= end_of(pool[id])) id = pool[id].next;
  return id;
}

chunk& room_for(room_log& log, chunk_pool& pool, std::size_t bytes) {
  const chunk* last = log.last == no_id ? nullptr : &pool[log.last];
  if (last != nullptr && last->capacity - last->used >= bytes) return pool[log.last];
  const chunk_id id = pool.take(bytes, last);
  pool[id].base = log.tail;
  (log.last == no_id ? log.first : pool[log.last].next) = id;
  log.last = id;
  return pool[id];
}

// The place in chunk_pool::sizes of the smallest that holds so many bytes; one past its end for
// more.
std::size_t size_class(std::size_t bytes) {
  const auto& sizes = chunk_pool::sizes;
  return static_cast<std::size_t>(
      std::find_if(sizes.begin(), sizes.end(), [&](std::size_t size) { return size >= bytes; }) -
      sizes.begin());
}

}  // namespace

chunk_id chunk_pool::take(std::size_t bytes, const chunk* previous) {
  const std::size_t largest = sizes.size() - 1;
  std::size_t kind = size_class(bytes);
  if (previous != nullptr) {
    kind = std::max(kind, std::min(size_class(previous->capacity) + 1, largest));
  } else if (bytes_ < bytes_ample_) {
    kind = std::max(kind, largest);
  }
  // A frame larger than every size has a chunk to itself.
  const std::size_t capacity = kind < sizes.size() ? sizes[kind] : bytes;
  ++in_use_;
  bytes_ += capacity;
  if (kind < sizes.size() && !spare_[kind].empty()) {
    const chunk_id id = spare_[kind].back();
    spare_[kind].pop_back();
    chunks_[id].used = 0;
    chunks_[id].next = no_id;
    return id;
  }
  chunk fresh;
  fresh.capacity = static_cast<std::uint32_t>(capacity);
  fresh.bytes.reset(new char[capacity]);
  if (hollow_.empty()) {
    chunks_.push_back(std::move(fresh));
    return static_cast<chunk_id>(chunks_.size() - 1);
  }
  const chunk_id id = hollow_.back();
  hollow_.pop_back();
  chunks_[id] = std::move(fresh);
  return id;
}

void chunk_pool::give_back(chunk_id id) {
  chunk& done = chunks_[id];
  invariant(done.bytes != nullptr);
  --in_use_;
  bytes_ -= done.capacity;
  const std::size_t kind = size_class(done.capacity);
  if (kind < sizes.size() && spare_[kind].size() < spare_max) {
    spare_[kind].push_back(id);
    return;
  }
  done.bytes.reset();
  hollow_.push_back(id);
}

void append(room_log& log, chunk_pool& pool, const message_parts& message) {
  const std::size_t size = message.frame_size();
  chunk& piece = room_for(log, pool, size);
  invariant(size <= piece.capacity - piece.used);
  message.write_frame(piece.bytes.get() + piece.used);
  if (planted(fault::long_frame_cut) && size > chunk_pool::sizes.back()) {
    const std::size_t kept = chunk_pool::sizes.back();
    std::fill_n(piece.bytes.get() + piece.used + kept, size - kept, '\0');
  }
  piece.used += static_cast<std::uint32_t>(size);
  log.tail += size;
}

std::size_t read(const room_log& log, const chunk_pool& pool, std::uint64_t from, std::uint64_t to,
                 std::span<iovec> out) {
  std::size_t count = 0;
  if (from >= to) return count;
  for (chunk_id id = chunk_at(log, pool, from); from < to && count < out.size();) {
    const chunk& piece = pool[id];
    const std::uint64_t end = std::min(to, end_of(piece));
    // sendmsg only reads, but its interface wants a pointer that isn't const.
    out[count++] = {const_cast<char*>(piece.bytes.get() + (from - piece.base)),
                    static_cast<std::size_t>(end - from)};
    from = end;
    id = piece.next;
  }
  return count;
}

std::uint64_t frame_begin(const room_log& log, const chunk_pool& pool, std::uint64_t position) {
  if (position >= log.tail) return log.tail;
  const chunk& piece = pool[chunk_at(log, pool, position)];
  const auto end_of_frame = [&piece](std::uint64_t at) {
    return at + server_frame_size(piece.bytes.get() + (at - piece.base));
  };
  std::uint64_t begin = piece.base;
  while (end_of_frame(begin) <= position) begin = end_of_frame(begin);
  return begin;
}

std::string copy(const room_log& log, const chunk_pool& pool, std::uint64_t from) {
  std::string bytes;
  bytes.reserve(static_cast<std::size_t>(log.tail - from));
  while (from < log.tail) {
    std::array<iovec, 16> pieces{};
    const std::size_t count = read(log, pool, from, log.tail, pieces);
    for (const iovec& piece : std::span(pieces).first(count)) {
      bytes.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
      from += piece.iov_len;
    }
  }
  return bytes;
}

bool append_frames(room_log& log, chunk_pool& pool, std::string_view frames) {
  while (!frames.empty()) {
    const std::size_t size = whole_frame_size(frames);
    if (size == 0) return false;
    chunk& piece = room_for(log, pool, size);
    std::copy_n(frames.data(), size, piece.bytes.get() + piece.used);
    piece.used += static_cast<std::uint32_t>(size);
    log.tail += size;
    frames.remove_prefix(size);
  }
  return true;
}

bool restore(room_log& log, chunk_pool& pool, std::uint64_t from, std::string_view frames) {
  log.tail = from;
  return append_frames(log, pool, frames);
}

std::uint64_t memory_from(const room_log& log, const chunk_pool& pool, std::uint64_t position) {
  if (position >= log.tail) return 0;
  std::uint64_t bytes = 0;
  for (chunk_id id = chunk_at(log, pool, position); id != no_id; id = pool[id].next) {
    bytes += pool[id].capacity;
  }
  return bytes;
}

void release(room_log& log, chunk_pool& pool, std::uint64_t low) {
  while (log.first != no_id && end_of(pool[log.first]) <= low) {
    const chunk_id done = log.first;
    log.first = pool[done].next;
    pool.give_back(done);
  }
  if (log.first == no_id) log.last = no_id;
}

frame_walk walk_frames(const room_log& log, const chunk_pool& pool, std::uint64_t from,
                       std::uint64_t position) {
  frame_walk walk{from, 0};
  if (from >= position) return walk;
  chunk_id id = chunk_at(log, pool, from);
  while (walk.end < position) {
    while (walk.end >= end_of(pool[id])) id = pool[id].next;
    const chunk& piece = pool[id];
    walk.end += server_frame_size(piece.bytes.get() + (walk.end - piece.base));
    ++walk.frames;
  }
  return walk;
}

std::vector<std::uint64_t> frame_ends(const room_log& log, const chunk_pool& pool,
                                      std::uint64_t from) {
  std::vector<std::uint64_t> ends;
  if (from >= log.tail) return ends;
  chunk_id id = chunk_at(log, pool, from);
  for (std::uint64_t at = from; at < log.tail; ends.push_back(at)) {
    while (at >= end_of(pool[id])) id = pool[id].next;
    const chunk& piece = pool[id];
    at += server_frame_size(piece.bytes.get() + (at - piece.base));
  }
  return ends;
}

}  // namespace chinwag
