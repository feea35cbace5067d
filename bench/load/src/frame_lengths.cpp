#include "frame_lengths.hpp"

#include <algorithm>

namespace chinwag::load {
namespace {

// Connections may differ by so many pings or the like.
constexpr std::uint32_t allowance = 2;

}  // namespace

void frame_lengths::learn(message_kind kind, std::size_t wire_bytes) {
  learnt& known = kinds_[static_cast<std::size_t>(kind)];
  if (known.bytes == wire_bytes) {
    known.seen += known.seen < seen_min ? 1 : 0;
  } else {
    vary_ = vary_ || known.bytes != 0;
    known = {wire_bytes, 1};
  }
}

void frame_lengths::learn_other(std::size_t wire_bytes) {
  const auto known = std::find_if(others_.begin(), others_.end(),
                                  [&](const learnt& other) { return other.bytes == wire_bytes; });
  if (known != others_.end()) {
    ++known->seen;
  } else if (others_.size() < others_max) {
    others_.push_back({wire_bytes, 1});
  }
}

void frame_lengths::begin(std::uint32_t connections) {
  connections_ = std::max(connections, 1U);
  for (learnt& other : others_) {
    other.seen = 0;
  }
}

std::size_t frame_lengths::mean_of_others() const {
  std::size_t bytes = 0;
  for (const learnt& other : others_) {
    bytes += other.bytes * other.seen;
  }
  return bytes / connections_;
}

std::uint32_t frame_lengths::least_of(const learnt& other) const {
  return std::max(other.seen / connections_, allowance) - allowance;
}

std::uint32_t frame_lengths::most_of(const learnt& other) const {
  return other.seen / connections_ + allowance;
}

}  // namespace chinwag::load
