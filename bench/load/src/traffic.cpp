#include "traffic.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace chinwag::load {

traffic::traffic(std::vector<std::uint32_t> senders, double direct_share, std::uint64_t seed)
    : senders_(std::move(senders)), direct_share_(direct_share) {
  std::shuffle(senders_.begin(), senders_.end(), std::mt19937_64(seed));
}

message_kind traffic::kind_of(std::uint64_t index) const {
  constexpr double golden = 0.6180339887498949;  // multiples of it fill 0 to 1 evenly
  const std::uint64_t turns = index / senders_.size();
  const auto turn = static_cast<double>(turns);
  const double phase = std::fmod(static_cast<double>(index % senders_.size()) * golden, 1.0);
  const double before = std::floor(turn * direct_share_ + phase);
  const double after = std::floor((turn + 1) * direct_share_ + phase);
  return after > before ? message_kind::direct : message_kind::room;
}

// Not by the turn alone: a mix of kinds that alternates in step with the slots would leave some of
// the rooms silent.
std::uint32_t traffic::slot_of(std::uint64_t index, std::uint32_t slots) const {
  if (slots == 1) {
    return 0;
  }
  const std::uint64_t turn = index / senders_.size();
  const auto before = static_cast<std::uint64_t>(static_cast<double>(turn) * (1 - direct_share_));
  return static_cast<std::uint32_t>((before + index % senders_.size()) % slots);
}

}  // namespace chinwag::load
