#include "counted_part.hpp"

#include <algorithm>

namespace chinwag::load {
namespace {

constexpr std::size_t starts_per_call = 32;  // nothing that is to be sent has to wait for more
// A server that owes so many deliveries to one connection is behind, whatever else it does wrong.
constexpr std::int64_t backlog_deliveries_min = 16;

}  // namespace

counted_part::counted_part(load::crowd& crowd, const seating& seating, const ledger& sent,
                           const std::array<bool, 2>& kinds)
    : crowd_(crowd), seating_(seating), sent_(sent), kinds_(kinds) {
  for (std::vector<std::uint32_t>& received : received_) {
    received.resize(seating.connections());
  }
  crowd.owed.resize(seating.connections());
  crowd.lengths.begin(seating.panel_size());
  for (const std::uint32_t member : seating.senders()) {
    if (!seating.in_panel(member)) {
      outside_.push_back(member);
      if (!crowd.owed[member]) {
        waiting_.push_back(member);
      }
    }
  }
}

bool counted_part::knows_lengths() const {
  const auto known = [this](message_kind kind) {
    return !kinds_[static_cast<std::size_t>(kind)] || crowd_.lengths.knows(kind);
  };
  return !crowd_.lengths.vary() && known(message_kind::room) && known(message_kind::direct);
}

void counted_part::start_some() {
  if (waiting_.empty() || !knows_lengths()) {
    return;
  }
  if (!began_) {
    // What the panel gets besides from now on is what these get: pings come to all alike.
    began_ = true;
    crowd_.lengths.begin(seating_.panel_size());
  }
  for (std::size_t i = 0; i < starts_per_call && !waiting_.empty(); ++i) {
    const std::uint32_t id = waiting_.back();
    // An answer of unknown length must not come among what is counted.
    const bool unknown = crowd_.lengths.heartbeat() == 0 && crowd_.connections.has_heartbeats();
    if (unknown || !crowd_.connections.count(id)) {
      std::rotate(waiting_.begin(), waiting_.end() - 1, waiting_.end());  // it has its turn later
    } else {
      waiting_.pop_back();
    }
  }
}

std::uint64_t counted_part::due(std::uint32_t connection, message_kind kind) const {
  std::uint64_t sent = 0;
  if (kind == message_kind::direct) {
    sent = sent_.sent_directly_to(connection);
  } else {
    const roster& names = seating_.names();
    for (std::uint32_t slot = 0; slot < names.slots(); ++slot) {
      sent += sent_.sent_to_room(names.room_of(connection, slot));
    }
  }
  return sent - received_[static_cast<std::size_t>(kind)][connection];
}

byte_balance counted_part::balance_of(std::uint32_t connection) const {
  byte_balance balance;
  balance.due = {due(connection, message_kind::room), due(connection, message_kind::direct)};
  balance.heartbeats_due = crowd_.connections.heartbeats_due(connection);
  balance.bytes = crowd_.connections.counted_bytes(connection);
  return balance;
}

bool counted_part::is_settled() const {
  return std::all_of(outside_.begin(), outside_.end(), [this](std::uint32_t id) {
    const byte_balance balance = balance_of(id);
    return crowd_.connections.is_counted(id) ? difference(balance, crowd_.lengths) >= 0
                                             : balance.due[0] + balance.due[1] == 0;
  });
}

// Somebody is owed so much that the server had not come to the end when the drain did.
bool counted_part::has_backlog() const {
  const auto longest = static_cast<std::int64_t>(std::max(
      crowd_.lengths.length(message_kind::room), crowd_.lengths.length(message_kind::direct)));
  return std::any_of(outside_.begin(), outside_.end(), [&](std::uint32_t id) {
    return crowd_.connections.is_counted(id) &&
           difference(balance_of(id), crowd_.lengths) <= -backlog_deliveries_min * longest;
  });
}

void counted_part::finish(bool some_ended) {
  has_backlog_ = has_backlog();
  for (const std::uint32_t id : outside_) {
    if (crowd_.connections.is_counted(id)) {
      finish_counted(id, some_ended);
    } else {
      const std::uint64_t missing = due(id, message_kind::room) + due(id, message_kind::direct);
      lost_ += missing;
      crowd_.owed[id] = crowd_.owed[id] || missing > 0;
    }
  }
  waiting_.clear();
  outside_.clear();
}

balance_faults counted_part::faults_of(std::uint32_t id, const byte_balance& balance,
                                       std::int64_t off, bool some_ended) const {
  if (off == 0) {
    return {};
  }
  const bool goes_on = off < 0 && crowd_.connections.is_receiving(id);
  if (some_ended || goes_on) {
    return explain_cut(balance, crowd_.lengths);
  }
  const balance_faults found = explain(balance, crowd_.lengths);
  // One that is owed something may wait amid a delivery for as long as others have their turn, and
  // one that is owed nothing may have been closed for being slow.
  const bool may_be_cut = has_backlog_ && off <= goodbye_bytes_max;
  return found.corrupted > 0 && may_be_cut ? explain_cut(balance, crowd_.lengths) : found;
}

void counted_part::finish_counted(std::uint32_t id, bool some_ended) {
  const byte_balance balance = balance_of(id);
  const std::int64_t off = difference(balance, crowd_.lengths);
  due_ += balance.due[0] + balance.due[1];
  due_bytes_ += balance.bytes - static_cast<std::uint64_t>(off);
  const balance_faults found = faults_of(id, balance, off, some_ended);
  lost_ += std::min(found.lost, balance.due[0] + balance.due[1]);
  faults_.duplicated += found.duplicated;
  faults_.corrupted += found.corrupted;
  crowd_.owed[id] = crowd_.owed[id] || off < 0;
  crowd_.connections.heartbeats_due(id) = 0;
  crowd_.connections.parse(id, off == 0);
}

}  // namespace chinwag::load
