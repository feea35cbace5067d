#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "seating.hpp"
#include "stamp.hpp"

namespace chinwag::load {

enum class arrival { first, reordered, duplicate, foreign };

// What was sent and what came, exactly: one number for each pair of receiver and sender in a room
// (the next sequence number expected), and the gaps that are still open, of which there are none
// while a server is sound.
class ledger {
 public:
  explicit ledger(const seating& seating);

  // `slot`: which of the sender's rooms; 0 for direct messages.
  std::uint32_t next_sequence(message_kind kind, std::uint32_t sender, std::uint32_t slot);

  // Sent so far: to a room, or to a connection by its one writer.
  std::uint32_t sent_to_room(std::uint32_t room) const { return room_sent_[room]; }
  std::uint32_t sent_directly_to(std::uint32_t receiver) const;

  // `foreign`: the receiver should never have got it, or it was never sent.
  arrival arrive(std::uint32_t receiver, const stamp& stamp);

 private:
  struct gap {
    std::uint32_t from;
    std::uint32_t to;  // exclusive
  };

  std::size_t series_of(std::uint32_t sender, std::uint32_t slot) const {
    return std::size_t{sender} * slots_ + slot;
  }
  bool belongs(std::uint32_t receiver, const stamp& stamp) const;
  std::size_t pair_of(std::uint32_t receiver, const stamp& stamp) const;
  bool close_gap(std::size_t pair, std::uint32_t sequence);

  const seating& seating_;
  const roster& names_;
  std::uint32_t slots_;
  std::vector<std::uint32_t> rooms_;                // by connection and slot
  std::vector<std::uint32_t> places_;               // by connection and slot
  std::array<std::vector<std::uint32_t>, 2> sent_;  // by kind, then by sender and slot
  std::vector<std::uint32_t> room_sent_;            // by room
  std::vector<std::size_t> first_pair_;             // by receiver; then by slot and sender's place
  std::vector<std::uint32_t> next_;                 // by pair; direct ones at the end, by receiver
  std::unordered_map<std::size_t, std::vector<gap>> gaps_;
};

}  // namespace chinwag::load
