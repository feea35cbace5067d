#pragma once

#include <cstdint>
#include <vector>

#include "roster.hpp"

namespace chinwag::load {

// Who writes to whom in one hold: taken from who is there when it begins. What a connection that
// ends later should have got stays expected, and so is lost.
class seating {
 public:
  // `senders`: the members of rooms, in connection order. One in `parse_every` is of the panel,
  // whose connections are read whole; all of them if that would leave nobody.
  seating(std::vector<std::uint32_t> senders, std::uint32_t connections, const roster& names,
          std::uint32_t parse_every = 1);

  const roster& names() const { return names_; }
  const std::vector<std::uint32_t>& senders() const { return senders_; }
  std::uint32_t connections() const { return static_cast<std::uint32_t>(partners_.size()); }
  std::uint32_t rooms() const { return static_cast<std::uint32_t>(members_.size()); }
  std::uint32_t members(std::uint32_t room) const { return members_[room]; }

  bool in_panel(std::uint32_t connection) const { return panel_[connection]; }
  std::uint32_t panel_members(std::uint32_t room) const { return panel_members_[room]; }
  std::uint32_t panel_size() const { return panel_size_; }

  // Direct messages: each sends to one partner and gets from one, of another room where there is
  // one. So a receiver can tell from the sequence numbers of one sender what is missing.
  std::uint32_t partner_of(std::uint32_t connection) const { return partners_[connection]; }
  std::uint32_t writer_to(std::uint32_t connection) const { return writers_[connection]; }

 private:
  void choose_panel(std::uint32_t parse_every);

  const roster& names_;
  std::vector<std::uint32_t> senders_;
  std::vector<std::uint32_t> members_;        // by room
  std::vector<std::uint32_t> panel_members_;  // by room
  std::vector<bool> panel_;
  std::uint32_t panel_size_ = 0;
  std::vector<std::uint32_t> partners_;
  std::vector<std::uint32_t> writers_;
};

}  // namespace chinwag::load
