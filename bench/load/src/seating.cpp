#include "seating.hpp"

#include <cstddef>
#include <utility>

namespace chinwag::load {

seating::seating(std::vector<std::uint32_t> senders, std::uint32_t connections,
                 std::uint32_t room_size)
    : room_size_(room_size),
      senders_(std::move(senders)),
      members_(connections / room_size + std::size_t{1}),
      partners_(connections) {
  const std::size_t shift = senders_.size() > room_size_ ? room_size_ : 1;
  for (std::size_t i = 0; i < senders_.size(); ++i) {
    ++members_[senders_[i] / room_size_];
    partners_[senders_[i]] = senders_[(i + shift) % senders_.size()];
  }
}

}  // namespace chinwag::load
