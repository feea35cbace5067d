#include "state/room_log.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "host/invariant.hpp"
#include "host/pages.hpp"
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

template <typename T>
void make_room(std::vector<T>& in, std::size_t count) {
  if (in.capacity() - in.size() < count) in.reserve(std::max(in.size() + count, in.size() * 2));
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
  const chunk_id id = kind < sizes.size() ? take_sized(kind) : take_oversized(bytes);
  chunk& taken = chunks_[id];
  taken.used = 0;
  taken.next = no_id;
  taken.lent = false;
  ++in_use_;
  bytes_ += taken.capacity;
  return id;
}

chunk_id chunk_pool::take_sized(std::size_t kind) {
  if (spare_[kind].empty() && hollow_[kind].empty()) add_region(kind);
  std::vector<chunk_id>& from = spare_[kind].empty() ? hollow_[kind] : spare_[kind];
  const chunk_id id = from.back();
  from.pop_back();
  return id;
}

void chunk_pool::add_region(std::size_t kind) {
  const std::size_t count = region_bytes / sizes[kind];
  // What follows can't fail: neither a place nor the region is lost.
  make_room(chunks_, count);
  make_room(hollow_[kind], count);
  make_room(regions_, 1);
  char* const begin = kernel::map_pages(region_bytes);
  if (begin == nullptr) throw std::bad_alloc();
  regions_.push_back(begin);
  // The first place is given out first.
  for (std::size_t place = count; place-- > 0;) {
    hollow_[kind].push_back(static_cast<chunk_id>(chunks_.size()));
    chunks_.push_back({.capacity = sizes[kind], .bytes = begin + place * sizes[kind]});
  }
}

chunk_id chunk_pool::take_oversized(std::size_t bytes) {
  if (placeless_.empty()) {
    placeless_.push_back(static_cast<chunk_id>(chunks_.size()));
    chunks_.emplace_back();
  }
  chunk& taken = chunks_[placeless_.back()];
  taken.bytes = kernel::map_pages(bytes);
  if (taken.bytes == nullptr) throw std::bad_alloc();
  taken.capacity = static_cast<std::uint32_t>(bytes);
  const chunk_id id = placeless_.back();
  placeless_.pop_back();
  return id;
}

chunk_pool::~chunk_pool() {
  for (char* const begin : regions_) kernel::unmap_pages(begin, region_bytes);
  for (const chunk& one : chunks_) {
    const bool own = one.bytes != nullptr && size_class(one.capacity) == sizes.size();
    if (own) kernel::unmap_pages(one.bytes, one.capacity);
  }
}

void chunk_pool::give_back(chunk_id id) {
  chunk& done = chunks_[id];
  invariant(done.bytes != nullptr);
  --in_use_;
  bytes_ -= done.capacity;
  const std::size_t kind = size_class(done.capacity);
  if (kind == sizes.size()) {
    kernel::unmap_pages(std::exchange(done.bytes, nullptr), done.capacity);
    placeless_.push_back(id);
  } else if (spare_[kind].size() < spare_max && (!done.lent || planted(fault::lent_chunk_reused))) {
    spare_[kind].push_back(id);
  } else {
    // A place whose pages may still be read elsewhere is not used again.
    if (kernel::renew_pages(done.bytes, done.capacity)) hollow_[kind].push_back(id);
  }
}

void append(room_log& log, chunk_pool& pool, const message_parts& message) {
  const std::size_t size = message.frame_size();
  chunk& piece = room_for(log, pool, size);
  invariant(size <= piece.capacity - piece.used);
  message.write_frame(piece.bytes + piece.used);
  if (planted(fault::long_frame_cut) && size > chunk_pool::sizes.back()) {
    const std::size_t kept = chunk_pool::sizes.back();
    std::fill_n(piece.bytes + piece.used + kept, size - kept, '\0');
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
    out[count++] = {piece.bytes + (from - piece.base), static_cast<std::size_t>(end - from)};
    from = end;
    id = piece.next;
  }
  return count;
}

std::size_t lend(const room_log& log, chunk_pool& pool, std::uint64_t from, std::uint64_t to,
                 std::span<iovec> out) {
  const std::size_t count = read(log, pool, from, to, out);
  if (count == 0) return count;
  chunk_id id = chunk_at(log, pool, from);
  for (std::size_t i = 0; i < count; ++i, id = pool[id].next) pool[id].lent = true;
  return count;
}

std::uint64_t frame_begin(const room_log& log, const chunk_pool& pool, std::uint64_t position) {
  if (position >= log.tail) return log.tail;
  const chunk& piece = pool[chunk_at(log, pool, position)];
  const auto end_of_frame = [&piece](std::uint64_t at) {
    return at + server_frame_size(piece.bytes + (at - piece.base));
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
    std::copy_n(frames.data(), size, piece.bytes + piece.used);
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
    walk.end += server_frame_size(piece.bytes + (walk.end - piece.base));
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
    at += server_frame_size(piece.bytes + (at - piece.base));
  }
  return ends;
}

}  // namespace chinwag
