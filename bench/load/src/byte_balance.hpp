#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "frame_lengths.hpp"

namespace chinwag::load {

// What came on a connection that is read by length, against what should have.
struct byte_balance {
  std::array<std::uint64_t, 2> due{};  // deliveries, by message_kind
  std::uint64_t heartbeats_due = 0;    // answers
  std::uint64_t bytes = 0;             // that came
};

// Of a close frame with a code and a short reason.
constexpr std::int64_t goodbye_bytes_max = 64;

struct balance_faults {
  std::uint64_t lost = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t corrupted = 0;  // 1: the bytes are no sum of whole frames

  bool operator==(const balance_faults&) const = default;
};

// Bytes missing (below 0) or too many.
std::int64_t difference(const byte_balance& balance, const frame_lengths& lengths);

// The fewest lost or repeated deliveries that explain the bytes, with as many pings and
// announcements in between as need be, or the lost ones that a close frame took the place of. A
// loss and a repetition of the same length on one connection cancel out: the panel sees those.
balance_faults explain(const byte_balance& balance, const frame_lengths& lengths);

// The same where part of a delivery may be among the bytes, because the connection ended or goes on
// in the middle of it, or goodbyes and announcements that nobody can count, because others ended.
// What is missing is lost, to within a delivery; nothing is corrupted or repeated by that.
balance_faults explain_cut(const byte_balance& balance, const frame_lengths& lengths);

}  // namespace chinwag::load
