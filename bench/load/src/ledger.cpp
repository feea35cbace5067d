#include "ledger.hpp"

#include <algorithm>

namespace chinwag::load {

ledger::ledger(const seating& seating)
    : seating_(seating), names_(seating.names()), slots_(names_.slots()) {
  const std::uint32_t connections = seating.connections();
  sent_[0].resize(std::size_t{connections} * slots_);
  sent_[1].resize(std::size_t{connections} * slots_);
  room_sent_.resize(seating.rooms());
  std::size_t pairs = 0;
  for (std::uint32_t connection = 0; connection < connections; ++connection) {
    first_pair_.push_back(pairs);
    pairs += std::size_t{names_.places_of(connection)} * slots_;
    for (std::uint32_t slot = 0; slot < slots_; ++slot) {
      rooms_.push_back(names_.room_of(connection, slot));
      places_.push_back(names_.place_of(connection, slot));
    }
  }
  first_pair_.push_back(pairs);
  next_.resize(first_pair_.back() + connections);
}

std::uint32_t ledger::next_sequence(message_kind kind, std::uint32_t sender, std::uint32_t slot) {
  if (kind == message_kind::room) {
    ++room_sent_[rooms_[series_of(sender, slot)]];
  }
  return sent_[static_cast<std::size_t>(kind)][series_of(sender, slot)]++;
}

std::uint32_t ledger::sent_directly_to(std::uint32_t receiver) const {
  const std::uint32_t writer = seating_.writer_to(receiver);
  return sent_[static_cast<std::size_t>(message_kind::direct)][series_of(writer, 0)];
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
  if (stamp.sender >= seating_.connections() || stamp.slot >= slots_ ||
      stamp.sequence >=
          sent_[static_cast<std::size_t>(stamp.kind)][series_of(stamp.sender, stamp.slot)]) {
    return false;
  }
  return stamp.kind == message_kind::room ? rooms_[series_of(stamp.sender, stamp.slot)] ==
                                                rooms_[series_of(receiver, stamp.slot)]
                                          : seating_.partner_of(stamp.sender) == receiver;
}

std::size_t ledger::pair_of(std::uint32_t receiver, const stamp& stamp) const {
  if (stamp.kind == message_kind::direct) {
    return first_pair_.back() + receiver;
  }
  const std::size_t before = std::size_t{stamp.slot} * names_.places_of(receiver);
  return first_pair_[receiver] + before + places_[series_of(stamp.sender, stamp.slot)];
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
