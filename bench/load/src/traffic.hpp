#pragma once

#include <cstdint>
#include <vector>

#include "stamp.hpp"

namespace chinwag::load {

// Which connection sends a hold's message number i, and of which kind. Senders take turns in a
// shuffled order; kinds alternate for each sender, with phases spread over the senders, so that any
// short time has the profile's mix.
class traffic {
 public:
  traffic(std::vector<std::uint32_t> senders, double direct_share, std::uint64_t seed);

  std::uint32_t sender_of(std::uint64_t index) const { return senders_[index % senders_.size()]; }
  message_kind kind_of(std::uint64_t index) const;
  // Which of its sender's so many rooms a message to a room is for: they take turns.
  std::uint32_t slot_of(std::uint64_t index, std::uint32_t slots) const;

 private:
  std::vector<std::uint32_t> senders_;
  double direct_share_;
};

}  // namespace chinwag::load
