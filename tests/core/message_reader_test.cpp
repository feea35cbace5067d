#include "wire/message_reader.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "wire.hpp"

namespace chinwag {
namespace {

using kind = inbound::kind;
using test::client_frame;

constexpr std::size_t limit = 65'536;

struct found {
  kind what;
  std::string payload;
  std::uint16_t code = 0;
  friend bool operator==(const found&, const found&) = default;
};

// Feeds `bytes` in pieces of `piece` bytes as a connection would: what is left over comes first.
std::vector<found> read_all(const std::string& bytes, std::size_t piece) {
  message_reader reader;
  std::vector<found> all;
  std::string left;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    std::string chunk = left + bytes.substr(at, piece);
    std::span<char> input(chunk);
    while (true) {
      const inbound got = reader.next(input, limit);
      if (got.what == kind::nothing) break;
      if (got.what == kind::fragment) continue;
      all.push_back({got.what, std::string(got.payload), got.code});
      if (got.what == kind::fault) return all;
    }
    left.assign(input.data(), input.size());
    EXPECT_LE(left.size(), 131U);
  }
  return all;
}

std::uint16_t fault_of(const std::string& bytes) {
  const std::vector<found> all = read_all(bytes, bytes.size());
  return !all.empty() && all.back().what == kind::fault ? all.back().code : 0;
}

std::string close_frame(std::uint16_t code, std::string_view reason = {}) {
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code)};
  return client_frame(opcode::close, payload.append(reason));
}

// An upgrade may lower it while a message is open.
TEST(message_reader, keeps_to_a_limit_below_what_has_come) {
  message_reader reader;
  std::string bytes = client_frame(opcode::text, std::string(900, 'a'), false);
  std::span<char> input(bytes);
  while (reader.next(input, 1'000).what != kind::nothing) {
  }
  bytes = client_frame(opcode::continuation, std::string(10, 'b'));
  input = bytes;
  const inbound got = reader.next(input, 100);
  EXPECT_EQ(got.what, kind::fault);
  EXPECT_EQ(got.code, 1009);
}

TEST(message_reader, finds_the_same_messages_however_the_bytes_arrive) {
  const std::string bytes =
      client_frame(opcode::text, "one") + client_frame(opcode::text, "tw\xC3", false) +
      client_frame(opcode::ping, "are you there") + client_frame(opcode::continuation, "", false) +
      client_frame(opcode::continuation, "\xA9o") +
      client_frame(opcode::binary, std::string(300, 'b')) + client_frame(opcode::pong, "") +
      close_frame(1000, "bye");
  const std::vector<found> expected = {{kind::text, "one"},
                                       {kind::ping, "are you there"},
                                       {kind::text, "tw\xC3\xA9o"},
                                       {kind::binary, std::string(300, 'b')},
                                       {kind::pong, ""},
                                       {kind::close, "bye", 1000}};
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    ASSERT_EQ(read_all(bytes, piece), expected) << "in pieces of " << piece;
  }
}

TEST(message_reader, serves_the_largest_message_and_refuses_one_more_byte) {
  const std::string largest(limit, 'x');
  EXPECT_EQ(fault_of(client_frame(opcode::text, largest)), 0);
  EXPECT_EQ(fault_of(client_frame(opcode::text, largest + "x")), close_code::too_big);
  const std::string half(limit / 2, 'x');
  EXPECT_EQ(
      fault_of(client_frame(opcode::text, half, false) + client_frame(opcode::continuation, half)),
      0);
  EXPECT_EQ(fault_of(client_frame(opcode::text, half, false) +
                     client_frame(opcode::continuation, half + "x")),
            close_code::too_big);
}

TEST(message_reader, a_long_message_is_refused_before_its_payload_arrives) {
  const std::string bytes = client_frame(opcode::binary, std::string(limit + 1, 'x'));
  EXPECT_EQ(fault_of(bytes.substr(0, client_header_max)), close_code::too_big);
}

TEST(message_reader, text_must_be_utf8) {
  EXPECT_EQ(fault_of(client_frame(opcode::text, "\xFF")), close_code::bad_text);
  EXPECT_EQ(fault_of(client_frame(opcode::text, "\xC3")), close_code::bad_text);
  EXPECT_EQ(
      fault_of(client_frame(opcode::text, "\xC3", false) + client_frame(opcode::continuation, "A")),
      close_code::bad_text);
  EXPECT_EQ(fault_of(client_frame(opcode::binary, "\xFF")), 0);
}

TEST(message_reader, continuation_follows_a_beginning_and_nothing_else_does) {
  EXPECT_EQ(fault_of(client_frame(opcode::continuation, "x")), close_code::protocol_error);
  EXPECT_EQ(fault_of(client_frame(opcode::text, "x", false) + client_frame(opcode::text, "y")),
            close_code::protocol_error);
}

TEST(message_reader, a_close_frame_is_checked) {
  EXPECT_EQ(read_all(client_frame(opcode::close, ""), 99),
            (std::vector<found>{{kind::close, "", close_code::no_status}}));
  EXPECT_EQ(fault_of(client_frame(opcode::close, "x")), close_code::protocol_error);
  EXPECT_EQ(fault_of(close_frame(1005)), close_code::protocol_error);
  EXPECT_EQ(fault_of(close_frame(999)), close_code::protocol_error);
  EXPECT_EQ(fault_of(close_frame(1000, "\xFF")), close_code::bad_text);
  EXPECT_EQ(fault_of(close_frame(4000, std::string(123, 'r'))), 0);
}

TEST(message_reader, is_idle_between_messages_only) {
  message_reader reader;
  std::string bytes = client_frame(opcode::text, "ab", false);
  std::span<char> input(bytes);
  EXPECT_TRUE(reader.idle());
  EXPECT_EQ(reader.next(input, limit).what, kind::fragment);
  EXPECT_EQ(reader.next(input, limit).what, kind::nothing);
  EXPECT_FALSE(reader.idle());
  std::string rest = client_frame(opcode::continuation, "c");
  input = rest;
  EXPECT_EQ(reader.next(input, limit).payload, "abc");
  EXPECT_TRUE(reader.idle());
}

// Ten times the fragments take ten times as long, give or take: a reader that goes over what it
// holds again for each fragment would need a hundred times.
TEST(message_reader, takes_linear_time_for_one_byte_fragments) {
  const auto time_for = [](std::size_t count) {
    std::string bytes = client_frame(opcode::text, "", false);
    for (std::size_t i = 0; i < count; ++i) {
      bytes += client_frame(opcode::continuation, "x", i + 1 == count);
    }
    message_reader reader;
    std::span<char> input(bytes);
    const auto begin = std::chrono::steady_clock::now();
    std::size_t fragments = 0;
    inbound got = reader.next(input, 1'000'000);
    for (; got.what == kind::fragment; got = reader.next(input, 1'000'000)) ++fragments;
    const auto took = std::chrono::steady_clock::now() - begin;
    EXPECT_EQ(fragments, count) << "each is a step of its own";
    EXPECT_EQ(got.payload.size(), count);
    return took;
  };
  // The machine may be busy with others for one of the two: four tries, one of them undisturbed.
  for (int attempt = 1; attempt <= 4; ++attempt) {
    const auto few = time_for(10'000);
    const auto many = time_for(100'000);
    if (many < 40 * few) return;
    EXPECT_LT(attempt, 4) << few.count() << " and then " << many.count() << " ns";
  }
}

}  // namespace
}  // namespace chinwag
