#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "state/ids.hpp"
#include "wire/messages.hpp"

namespace chinwag {

// A piece of a room's log. Frames never straddle two chunks, so what a member lacks is mostly one
// run of bytes.
struct chunk {
  std::uint64_t base = 0;  // position in the log of bytes[0]
  std::uint32_t used = 0;
  std::uint32_t capacity = 0;
  chunk_id next = no_id;
  bool lent = false;      // connections may still refer to its pages: they are not written again
  char* bytes = nullptr;  // of the pool's memory; nullptr: of none
};

// Hands out chunks and takes them back. The one given back last is given out first: it is still in
// the cache. Memory beyond a few spare chunks of each size goes back to the system, and so does
// that of lent chunks. Their places in the address space stay the pool's.
class chunk_pool {
 public:
  static constexpr std::array<std::uint32_t, 3> sizes = {4 * 1024, 32 * 1024, 128 * 1024};

  // Of `memory_bytes_max` an eighth goes to logs in large chunks, and 16 MiB at most: somebody who
  // leaves many rooms makes all of their logs begin, whether memory is full or not.
  explicit chunk_pool(std::uint64_t memory_bytes_max = UINT64_MAX)
      : bytes_ample_(std::min<std::uint64_t>(memory_bytes_max / 8, 16 * 1024 * 1024)) {}
  ~chunk_pool();
  chunk_pool(const chunk_pool&) = delete;
  chunk_pool& operator=(const chunk_pool&) = delete;

  // A chunk with room for at least `bytes`: of the size after `previous` where one came before it
  // in its log, else a large one, or a small one once many are in use. Logs that grow get large
  // chunks soon; a thousand rooms that wait for one slow member each do not pin 128 KiB each.
  chunk_id take(std::size_t bytes, const chunk* previous);
  void give_back(chunk_id id);

  chunk& operator[](chunk_id id) { return chunks_[id]; }
  const chunk& operator[](chunk_id id) const { return chunks_[id]; }

  std::size_t in_use() const { return in_use_; }
  // Chunks that there have been, with memory or without.
  std::size_t places() const { return chunks_.size(); }
  // Of those in use.
  std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t spare_max = 128;
  // The address space of chunks of one size is taken in regions: to a system that allows 65,530
  // mappings a process, each is one.
  static constexpr std::size_t region_bytes = 1024 * 1024;

  chunk_id take_sized(std::size_t kind);
  chunk_id take_oversized(std::size_t bytes);
  void add_region(std::size_t kind);

  std::vector<chunk> chunks_;
  std::vector<char*> regions_;
  std::array<std::vector<chunk_id>, sizes.size()> spare_;   // with memory, by size
  std::array<std::vector<chunk_id>, sizes.size()> hollow_;  // whose memory was given back
  std::vector<chunk_id> placeless_;                         // were oversized
  std::size_t in_use_ = 0;
  std::size_t bytes_ = 0;
  std::size_t bytes_ample_;
};

// What was published in a room and not yet sent to everyone: finished WebSocket frames in a row.
// Positions count bytes since the room began and never go back.
struct room_log {
  std::uint64_t tail = 0;
  chunk_id first = no_id;
  chunk_id last = no_id;
};

// Writes the parts as one text frame at the tail.
void append(room_log& log, chunk_pool& pool, const message_parts& message);

// Copies finished frames to the tail. False, behind those before it, at what is none.
bool append_frames(room_log& log, chunk_pool& pool, std::string_view frames);

// Describes the bytes [from, to) by at most `out.size()` pieces; returns how many it took.
std::size_t read(const room_log& log, const chunk_pool& pool, std::uint64_t from, std::uint64_t to,
                 std::span<iovec> out);

// The same, of bytes that connections are going to refer to: their pages are not written again.
std::size_t lend(const room_log& log, chunk_pool& pool, std::uint64_t from, std::uint64_t to,
                 std::span<iovec> out);

// Where the frame begins that the position lies in; the tail at the tail.
std::uint64_t frame_begin(const room_log& log, const chunk_pool& pool, std::uint64_t position);

// All of the log from a position on that lies in it, or at its tail.
std::string copy(const room_log& log, const chunk_pool& pool, std::uint64_t from);

// Makes an empty log one that begins at `from` with these frames. False if they are none.
bool restore(room_log& log, chunk_pool& pool, std::uint64_t from, std::string_view frames);

// The memory of the chunks that can't be given back while somebody has yet to get what follows
// `position`.
std::uint64_t memory_from(const room_log& log, const chunk_pool& pool, std::uint64_t position);

// Gives back the chunks that lie wholly before `low`.
void release(room_log& log, chunk_pool& pool, std::uint64_t low);

struct frame_walk {
  std::uint64_t end = 0;     // the first frame boundary at or after the position asked for
  std::uint64_t frames = 0;  // that end in (from, end]
};

// Walks the frames from the boundary `from` until it reaches or passes `position`.
frame_walk walk_frames(const room_log& log, const chunk_pool& pool, std::uint64_t from,
                       std::uint64_t position);

// Where each frame from the boundary `from` on ends.
std::vector<std::uint64_t> frame_ends(const room_log& log, const chunk_pool& pool,
                                      std::uint64_t from);

}  // namespace chinwag
