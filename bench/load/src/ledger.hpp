#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "seating.hpp"
#include "stamp.hpp"

namespace chinwag::load {

enum class arrival { first, reordered, duplicate, foreign };

// What was sent and what came, exactly: one number for each pair of receiver and sender (the next
// sequence number expected), and the gaps that are still open, of which there are none while a
// server is sound.
class ledger {
 public:
  explicit ledger(const seating& seating);

  std::uint32_t next_sequence(message_kind kind, std::uint32_t sender) {
    return sent_[static_cast<std::size_t>(kind)][sender]++;
  }

  // `foreign`: the receiver should never have got it, or it was never sent.
  arrival arrive(std::uint32_t receiver, const stamp& stamp);

 private:
  struct gap {
    std::uint32_t from;
    std::uint32_t to;  // exclusive
  };

  bool belongs(std::uint32_t receiver, const stamp& stamp) const;
  std::size_t pair_of(std::uint32_t receiver, const stamp& stamp) const;
  bool close_gap(std::size_t pair, std::uint32_t sequence);

  const seating& seating_;
  std::array<std::vector<std::uint32_t>, 2> sent_;  // by kind and sender
  std::vector<std::uint32_t> next_;  // room pairs by receiver and place, then direct by receiver
  std::unordered_map<std::size_t, std::vector<gap>> gaps_;
};

}  // namespace chinwag::load
