#include "ledger.hpp"

#include <algorithm>

namespace chinwag::load {

ledger::ledger(const seating& seating) : seating_(seating) {
  const std::size_t connections = seating.connections();
  sent_.fill(std::vector<std::uint32_t>(connections));
  next_.resize(connections * seating.room_size() + connections);
}

arrival ledger::arrive(std::uint32_t receiver, const stamp& stamp) {
  if (!belongs(receiver, stamp)) {
    return arrival::foreign;
  }
  const std::size_t pair = pair_of(receiver, stamp);
  std::uint32_t& next = next_[pair];
  if (stamp.sequence < next) {
    return close_gap(pair, stamp.sequence) ? arrival::reordered : arrival::duplicate;
  }
  if (stamp.sequence > next) {
    gaps_[pair].push_back({next, stamp.sequence});
  }
  next = stamp.sequence + 1;
  return arrival::first;
}

bool ledger::belongs(std::uint32_t receiver, const stamp& stamp) const {
  const std::uint32_t room_size = seating_.room_size();
  const bool known = stamp.sender < seating_.connections() &&
                     stamp.sequence < sent_[static_cast<std::size_t>(stamp.kind)][stamp.sender];
  return known &&
         (stamp.kind == message_kind::room ? stamp.sender / room_size == receiver / room_size
                                           : seating_.partner_of(stamp.sender) == receiver);
}

std::size_t ledger::pair_of(std::uint32_t receiver, const stamp& stamp) const {
  const std::size_t room_size = seating_.room_size();
  return stamp.kind == message_kind::room ? receiver * room_size + stamp.sender % room_size
                                          : seating_.connections() * room_size + receiver;
}

// Takes a number out of the gap that it belongs to; answers false when it had come before.
bool ledger::close_gap(std::size_t pair, std::uint32_t sequence) {
  const auto found = gaps_.find(pair);
  if (found == gaps_.end()) {
    return false;
  }
  std::vector<gap>& gaps = found->second;
  const auto hit = std::find_if(gaps.begin(), gaps.end(), [sequence](const gap& open) {
    return open.from <= sequence && sequence < open.to;
  });
  if (hit == gaps.end()) {
    return false;
  }
  const gap rest{sequence + 1, hit->to};
  hit->to = sequence;
  if (hit->from == hit->to) {
    gaps.erase(hit);
  }
  if (rest.from < rest.to) {
    gaps.push_back(rest);
  }
  return true;
}

}  // namespace chinwag::load
