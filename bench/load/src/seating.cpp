#include "seating.hpp"

namespace chinwag::load {

seating::seating(const crowd& crowd)
    : room_size_(crowd.names.room_size()), partners_(crowd.connections.size()) {
  members_.resize(partners_.size() / room_size_ + 1);
  for (std::uint32_t id = 0; id < connections(); ++id) {
    if (crowd.is_member(id)) {
      senders_.push_back(id);
      ++members_[id / room_size_];
    }
  }
  const std::size_t shift = senders_.size() > room_size_ ? room_size_ : 1;
  for (std::size_t i = 0; i < senders_.size(); ++i) {
    partners_[senders_[i]] = senders_[(i + shift) % senders_.size()];
  }
}

}  // namespace chinwag::load
