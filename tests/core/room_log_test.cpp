#include "state/room_log.hpp"

#include <gtest/gtest.h>

#include <string>

namespace chinwag {
namespace {

std::string bytes_between(const room_log& log, const chunk_pool& pool, std::uint64_t from,
                          std::uint64_t to) {
  std::array<iovec, 64> pieces{};
  const std::size_t count = read(log, pool, from, to, pieces);
  std::string all;
  for (std::size_t i = 0; i < count; ++i) {
    all.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  }
  return all;
}

void append_text(room_log& log, chunk_pool& pool, const std::string& text) {
  append(log, pool, {text});
}

TEST(room_log, holds_finished_frames) {
  chunk_pool pool;
  room_log log;
  append(log, pool, {"ab", "", "c"});
  EXPECT_EQ(log.tail, 5U);
  EXPECT_EQ(bytes_between(log, pool, 0, log.tail),
            "\x81\x03"
            "abc");
}

TEST(room_log, a_frame_never_straddles_chunks) {
  chunk_pool pool;
  room_log log;
  std::uint64_t position = 0;
  for (int i = 0; i < 10; ++i) {
    append_text(log, pool, std::string(60'000, 'x'));
    std::array<iovec, 2> pieces{};
    EXPECT_EQ(read(log, pool, position, log.tail, pieces), 1U);
    position = log.tail;
  }
  EXPECT_EQ(pool.in_use(), 5U);
}

TEST(room_log, describes_no_more_pieces_than_there_is_room_for) {
  chunk_pool pool;
  room_log log;
  for (int i = 0; i < 6; ++i) append_text(log, pool, std::string(60'000, 'x'));
  std::array<iovec, 2> pieces{};
  EXPECT_EQ(read(log, pool, 0, log.tail, pieces), 2U);
  EXPECT_EQ(read(log, pool, log.tail, log.tail, pieces), 0U);
}

TEST(room_log, gives_chunks_back_as_the_slowest_cursor_passes) {
  chunk_pool pool;
  room_log log;
  for (int i = 0; i < 6; ++i) append_text(log, pool, std::string(60'000, 'x'));
  ASSERT_EQ(pool.in_use(), 3U);
  const std::uint64_t frame = log.tail / 6;
  release(log, pool, frame * 2 - 1);
  EXPECT_EQ(pool.in_use(), 3U);
  release(log, pool, frame * 2);
  EXPECT_EQ(pool.in_use(), 2U);
  EXPECT_EQ(bytes_between(log, pool, frame * 2, log.tail).size(), 4 * frame);
  release(log, pool, log.tail);
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST(room_log, goes_on_at_its_position_after_all_was_given_back) {
  chunk_pool pool;
  room_log log;
  append_text(log, pool, "first");
  release(log, pool, log.tail);
  const std::uint64_t position = log.tail;
  append_text(log, pool, "second");
  EXPECT_EQ(bytes_between(log, pool, position, log.tail), "\x81\x06second");
}

// Writes to new chunks of all sizes and gives them back.
void fill_and_give_back(chunk_pool& pool, int chunks, bool lent) {
  std::vector<chunk_id> taken;
  for (int i = 0; i < chunks; ++i) {
    for (const std::uint32_t size : chunk_pool::sizes) taken.push_back(pool.take(size, nullptr));
    taken.push_back(pool.take(chunk_pool::sizes.back() + 1, nullptr));
  }
  for (const chunk_id id : taken) {
    std::fill_n(pool[id].bytes, pool[id].capacity, 'x');
    pool[id].lent = lent;
  }
  for (const chunk_id id : taken) pool.give_back(id);
  EXPECT_EQ(pool.in_use(), 0U);
  EXPECT_EQ(pool.bytes(), 0U);
}

// How many chunks of a size, of `count`, still have what was written to them.
int with_contents(chunk_pool& pool, std::uint32_t size, int count) {
  int found = 0;
  for (int i = 0; i < count; ++i) found += pool[pool.take(size, nullptr)].bytes[0] == 'x' ? 1 : 0;
  return found;
}

TEST(room_log, memory_of_chunks_returns_after_a_peak) {
  chunk_pool pool(0);
  fill_and_give_back(pool, 200, false);
  const std::size_t places = pool.places();
  for (int i = 0; i < 3; ++i) fill_and_give_back(pool, 200, false);
  EXPECT_EQ(pool.places(), places) << "places are used again";
  for (const std::uint32_t size : chunk_pool::sizes) {
    EXPECT_EQ(with_contents(pool, size, 200), 128) << "the spare ones alone have memory";
  }
}

TEST(room_log, lent_memory_is_not_written_again) {
  chunk_pool pool(0);
  fill_and_give_back(pool, 20, true);
  for (const std::uint32_t size : chunk_pool::sizes) EXPECT_EQ(with_contents(pool, size, 20), 0);
}

TEST(room_log, lending_marks_the_chunks_that_the_bytes_lie_in) {
  chunk_pool pool;
  room_log log;
  for (int i = 0; i < 6; ++i) append_text(log, pool, std::string(60'000, 'x'));
  const std::uint64_t frame = log.tail / 6;
  std::array<iovec, 4> pieces{};
  EXPECT_EQ(lend(log, pool, frame * 2, frame * 3, pieces), 1U);
  const chunk_id second = pool[log.first].next;
  EXPECT_FALSE(pool[log.first].lent);
  EXPECT_TRUE(pool[second].lent);
  EXPECT_FALSE(pool[pool[second].next].lent);
}

TEST(room_log, begins_small_once_an_eighth_of_little_memory_is_used) {
  chunk_pool pool(2 * 1024 * 1024);
  std::size_t rooms = 0;
  for (; pool.bytes() < 256 * 1024; ++rooms) pool.take(1, nullptr);
  EXPECT_EQ(rooms, 2U);
  const std::size_t before = pool.bytes();
  pool.take(1, nullptr);
  EXPECT_EQ(pool.bytes() - before, chunk_pool::sizes.front());
}

TEST(room_log, walks_frames_across_chunks) {
  chunk_pool pool;
  room_log log;
  for (const std::size_t size : {10U, 60'000U, 65'600U, 200U, 60'000U}) {
    append_text(log, pool, std::string(size, 'x'));
  }
  EXPECT_EQ(walk_frames(log, pool, 0, log.tail).frames, 5U);
  EXPECT_EQ(walk_frames(log, pool, 0, log.tail).end, log.tail);
  EXPECT_EQ(walk_frames(log, pool, 0, 1).end, 12U);
  EXPECT_EQ(walk_frames(log, pool, 0, 12).end, 12U);
  EXPECT_EQ(walk_frames(log, pool, 0, 13).frames, 2U);
  EXPECT_EQ(walk_frames(log, pool, 12, 12).frames, 0U);
}

}  // namespace
}  // namespace chinwag
