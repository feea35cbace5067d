#pragma once

#include <cstdint>
#include <vector>

namespace chinwag::load {

// Who writes to whom in one hold: taken from who is there when it begins. What a connection that
// ends later should have got stays expected, and so is lost.
class seating {
 public:
  // `senders`: the members of rooms, in connection order.
  seating(std::vector<std::uint32_t> senders, std::uint32_t connections, std::uint32_t room_size);

  const std::vector<std::uint32_t>& senders() const { return senders_; }
  std::uint32_t connections() const { return static_cast<std::uint32_t>(partners_.size()); }
  std::uint32_t room_size() const { return room_size_; }
  std::uint32_t members(std::uint32_t connection) const {
    return members_[connection / room_size_];
  }

  // Direct messages: each sends to one partner and gets from one, of another room where there is
  // one. So a receiver can tell from the sequence numbers of one sender what is missing.
  std::uint32_t partner_of(std::uint32_t connection) const { return partners_[connection]; }

 private:
  std::uint32_t room_size_;
  std::vector<std::uint32_t> senders_;
  std::vector<std::uint32_t> members_;
  std::vector<std::uint32_t> partners_;
};

}  // namespace chinwag::load
