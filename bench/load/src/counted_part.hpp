#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "byte_balance.hpp"
#include "crowd.hpp"
#include "ledger.hpp"
#include "seating.hpp"

namespace chinwag::load {

// Of a hold's connections those that are not of the panel. They are parsed until the panel has
// learnt how long this server's frames are; then their bytes are counted, and balanced at the end
// against what was sent to them.
class counted_part {
 public:
  // `kinds`: which the hold will send.
  counted_part(load::crowd& crowd, const seating& seating, const ledger& sent,
               const std::array<bool, 2>& kinds);

  // A delivery on one of them that was parsed and counts.
  void arrived(std::uint32_t connection, message_kind kind) {
    ++received_[static_cast<std::size_t>(kind)][connection];
  }

  // Begins to count whoever can be; not amid a read.
  void start_some();

  // Everything has come, as far as can be told by now.
  bool is_settled() const;

  // Balances, and has all connections parsed again. `some_ended`: of all connections of the hold.
  void finish(bool some_ended);

  std::uint64_t lost() const { return lost_; }
  std::uint64_t duplicated() const { return faults_.duplicated; }
  std::uint64_t corrupted() const { return faults_.corrupted; }

  // Of the deliveries that were counted; 0 when there were none.
  double mean_bytes() const {
    return due_ == 0 ? 0 : static_cast<double>(due_bytes_) / static_cast<double>(due_);
  }

 private:
  byte_balance balance_of(std::uint32_t connection) const;
  std::uint64_t due(std::uint32_t connection, message_kind kind) const;
  bool knows_lengths() const;
  balance_faults faults_of(std::uint32_t connection, const byte_balance& balance, std::int64_t off,
                           bool some_ended) const;
  bool has_backlog() const;
  void finish_counted(std::uint32_t connection, bool some_ended);

  load::crowd& crowd_;
  const seating& seating_;
  const ledger& sent_;
  std::array<bool, 2> kinds_;
  std::vector<std::uint32_t> outside_;  // of the panel
  std::vector<std::uint32_t> waiting_;  // to be counted
  std::array<std::vector<std::uint32_t>, 2> received_;
  bool began_ = false;
  bool has_backlog_ = false;  // when the drain ended
  std::uint64_t lost_ = 0;
  balance_faults faults_;
  std::uint64_t due_ = 0;
  std::uint64_t due_bytes_ = 0;
};

}  // namespace chinwag::load
