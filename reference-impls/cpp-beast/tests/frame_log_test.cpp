#include "frame_log.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace {

std::string bytes_of(piece const& one) {
  return {one.in->bytes.get() + one.offset, one.size};
}

std::string taken_from(log_reader& reader) {
  std::vector<piece> pieces;
  reader.take(pieces);
  std::string all;
  for (auto const& each : pieces) all += bytes_of(each);
  return all;
}

/// As many as fill a chunk that is not among the first.
std::string const many(frame_log::chunk_bytes_max, 'x');

TEST(frame_log, frames_a_text_by_its_length) {
  auto const header_of = [](std::size_t length) {
    frame_log log;
    log_reader reader(log);
    log.append_text(std::string(length, 'x'));
    auto const frame = taken_from(reader);
    EXPECT_EQ(frame.substr(frame.size() - length), std::string(length, 'x'));
    return frame.substr(0, frame.size() - length);
  };
  using namespace std::string_literals;
  EXPECT_EQ(header_of(0), "\x81\0"s);
  EXPECT_EQ(header_of(125), "\x81\x7D"s);
  EXPECT_EQ(header_of(126), "\x81\x7E\0\x7E"s);
  EXPECT_EQ(header_of(65'535), "\x81\x7E\xFF\xFF"s);
  EXPECT_EQ(header_of(65'536), "\x81\x7F\0\0\0\0\0\x01\0\0"s);
}

TEST(frame_log, a_reader_gets_what_came_behind_its_place) {
  frame_log log;
  log.append("before");
  log_reader reader(log);
  EXPECT_EQ(reader.news(), 0U);
  log.append("ab");
  log.append("c");
  EXPECT_EQ(reader.news(), 3U);
  EXPECT_EQ(taken_from(reader), "abc");
  EXPECT_EQ(reader.news(), 0U);
  EXPECT_EQ(taken_from(reader), "");
}

TEST(frame_log, a_chunk_is_held_by_the_log_until_the_slowest_is_past_it) {
  frame_log log;
  log_reader slow(log), quick(log);
  log.append("x");
  std::vector<piece> probe;
  quick.take(probe);
  auto const first = probe.front().in;
  probe.clear();
  log.append(many);
  EXPECT_EQ(first->use_count(), 2U);  // the log, and this test
  taken_from(quick);
  EXPECT_EQ(first->use_count(), 2U);
  taken_from(slow);
  EXPECT_EQ(first->use_count(), 1U);
}

TEST(frame_log, what_is_to_be_sent_holds_nothing_that_came_later) {
  frame_log log;
  log_reader slow(log), quick(log);
  log.append(many);
  std::vector<piece> rest, later;
  slow.take(rest);
  for (int i = 0; i < 3; ++i) log.append(many);
  quick.take(later);
  taken_from(slow);
  log.append(many);
  auto const in_between = later[later.size() - 2].in;
  later.clear();
  EXPECT_EQ(in_between->use_count(), 1U);
}

TEST(frame_log, what_is_to_be_sent_outlives_it) {
  auto log = std::make_unique<frame_log>();
  std::vector<piece> rest;
  log->append("before");
  {
    log_reader reader(*log);
    log->append("last words");
    reader.take(rest);
  }
  log.reset();
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(bytes_of(rest.front()), "last words");
}

TEST(frame_log, a_long_line_of_chunks_frees_itself) {
  auto log = std::make_unique<frame_log>();
  auto slow = std::make_unique<log_reader>(*log);
  for (int i = 0; i < 10'000; ++i) log->append(many);
  EXPECT_EQ(slow->news(), 10'000 * many.size());
  slow.reset();
  log.reset();
}

TEST(frame_log, memory_that_is_given_up_is_used_again) {
  auto const memory_of_one = [] {
    frame_log log(4'096);
    log_reader reader(log);
    log.append("x");
    std::vector<piece> pieces;
    reader.take(pieces);
    EXPECT_EQ(pieces.front().in->capacity, 4'096U);
    return pieces.front().in->bytes.get();
  };
  auto const* const first = memory_of_one();
  EXPECT_EQ(memory_of_one(), first);
}

/// A reader, and beside it a string of what is due to it.
struct witness {
  log_reader reader;
  std::string due;
  std::vector<piece> line;
};

/// Readers come, fall behind, send parts and go, in any order: each gets every byte once.
class readers_at_random : public testing::TestWithParam<unsigned> {
 protected:
  void step() {
    switch (below(6)) {
      case 0:
        return append(below(40) == 0 ? 40'000 : 300);
      case 1:
        return witnesses_.push_back({log_reader(log_), {}, {}});
      case 2:
        if (witnesses_.size() > 1 && below(4) == 0) {
          witnesses_.erase(witnesses_.begin() +
                           static_cast<std::ptrdiff_t>(below(witnesses_.size())));
        }
        return;
      case 3:
        if (!witnesses_.empty()) take(witnesses_[below(witnesses_.size())]);
        return;
      default:
        if (!witnesses_.empty()) send(witnesses_[below(witnesses_.size())]);
    }
  }

  void append(std::size_t most) {
    std::string bytes;
    for (auto left = below(most); left > 0; --left) bytes += static_cast<char>(random_());
    log_.append(bytes);
    for (auto& each : witnesses_) each.due += bytes;
  }

  void take(witness& who) { who.reader.take(who.line); }

  void send(witness& who) {
    auto waiting = who.reader.news();
    for (auto const& each : who.line) waiting += each.size;
    ASSERT_EQ(waiting, who.due.size());
    if (who.line.empty()) return;
    auto& first = who.line.front();
    auto const offered = bytes_of(first);
    ASSERT_EQ(offered, who.due.substr(0, offered.size()));
    auto const sent = below(offered.size() + 1);
    who.due.erase(0, sent);
    first.offset += sent;
    first.size -= sent;
    if (first.size == 0) who.line.erase(who.line.begin());
  }

  std::size_t below(std::size_t bound) { return random_() % bound; }

  std::mt19937 random_{GetParam()};
  frame_log log_;
  std::vector<witness> witnesses_;
};

TEST_P(readers_at_random, get_every_byte_once) {
  for (int i = 0; i < 1'000 && !HasFatalFailure(); ++i) step();
  for (auto& each : witnesses_) {
    take(each);
    while (!each.line.empty() && !HasFatalFailure()) send(each);
    EXPECT_TRUE(each.due.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(seeds, readers_at_random, testing::Range(1U, 11U));

}  // namespace
