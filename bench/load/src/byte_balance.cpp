#include "byte_balance.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>

namespace chinwag::load {
namespace {

constexpr std::uint64_t mixed_faults_max = 6;
constexpr std::int64_t faults_max = 200'000;  // then a delivery more or less is no news
constexpr std::int64_t goodbye_bytes_min = 4;

std::int64_t length_of(const frame_lengths& lengths, message_kind kind) {
  return static_cast<std::int64_t>(lengths.length(kind));
}

// How many frames of either length add up to so many bytes: as few as can be; nothing if none do.
std::optional<std::int64_t> fewest_frames(std::int64_t bytes, const frame_lengths& lengths) {
  const std::int64_t one = length_of(lengths, message_kind::room);
  const std::int64_t other = length_of(lengths, message_kind::direct);
  const std::int64_t longer = std::max(one, other);
  const std::int64_t shorter = std::min(one, other) > 0 ? std::min(one, other) : longer;
  if (longer == 0) {
    return bytes == 0 ? std::optional<std::int64_t>(0) : std::nullopt;
  }
  // After `longer` steps the remainders repeat.
  const std::int64_t last = std::max<std::int64_t>(bytes / longer - longer, 0);
  for (std::int64_t count = bytes / longer; count >= last; --count) {
    const std::int64_t rest = bytes - count * longer;
    if (rest % shorter == 0) {
      return count + rest / shorter;
    }
  }
  return std::nullopt;
}

// What the bytes make of the deliveries once `others` bytes are of other frames.
std::optional<balance_faults> faults_of(std::int64_t difference, std::int64_t others,
                                        const frame_lengths& lengths) {
  const std::int64_t bytes = difference - others;
  const auto frames = fewest_frames(std::abs(bytes), lengths);
  if (!frames || *frames > faults_max) {
    return std::nullopt;
  }
  const auto count = static_cast<std::uint64_t>(*frames);
  return bytes < 0 ? balance_faults{count, 0, 0} : balance_faults{0, count, 0};
}

// A loss of one kind and a repetition of the other, as few as can be.
std::optional<balance_faults> mixed_faults_of(std::int64_t bytes, const frame_lengths& lengths) {
  const std::int64_t one = length_of(lengths, message_kind::room);
  const std::int64_t other = length_of(lengths, message_kind::direct);
  for (std::uint64_t sum = 2; sum <= mixed_faults_max; ++sum) {
    for (std::uint64_t lost = 1; lost < sum; ++lost) {
      const auto fewer = static_cast<std::int64_t>(lost);
      const auto more = static_cast<std::int64_t>(sum - lost);
      if (bytes == more * one - fewer * other || bytes == more * other - fewer * one) {
        return balance_faults{lost, sum - lost, 0};
      }
    }
  }
  return std::nullopt;
}

class search {
 public:
  search(std::int64_t difference, const frame_lengths& lengths)
      : difference_(difference), lengths_(lengths) {}

  void try_with(std::int64_t others) {
    const auto found = faults_of(difference_, others, lengths_);
    if (found && (!best_ || found->lost + found->duplicated < best_->lost + best_->duplicated)) {
      best_ = found;
    }
    if (!mixed_) {
      mixed_ = mixed_faults_of(difference_ - others, lengths_);
    }
  }
  const std::optional<balance_faults>& best() const { return best_; }
  const std::optional<balance_faults>& mixed() const { return mixed_; }
  bool spotless() const { return best_ && best_->lost + best_->duplicated == 0; }

 private:
  std::int64_t difference_;
  const frame_lengths& lengths_;
  std::optional<balance_faults> best_;
  std::optional<balance_faults> mixed_;  // the first, with the fewest others
};

void try_others(search& tried, const frame_lengths& lengths) {
  for (const frame_lengths::learnt& other : lengths.others()) {
    const std::int64_t most = lengths.most_of(other);
    for (std::int64_t count = lengths.least_of(other); count <= most && !tried.spotless();
         ++count) {
      tried.try_with(count * static_cast<std::int64_t>(other.bytes));
    }
  }
}

void try_unanswered_heartbeats(search& tried, const byte_balance& balance,
                               const frame_lengths& lengths) {
  const auto due = static_cast<std::int64_t>(balance.heartbeats_due);
  for (std::int64_t count = 1; count <= due && !tried.spotless(); ++count) {
    tried.try_with(-count * static_cast<std::int64_t>(lengths.heartbeat()));
  }
}

// Deliveries that are missing behind a close frame. A server waits for its answer, which nobody
// gives while bytes are counted: so the connection has not ended.
std::optional<balance_faults> lost_behind_goodbye(std::int64_t bytes,
                                                  const frame_lengths& lengths) {
  for (std::int64_t goodbye = goodbye_bytes_min; goodbye <= goodbye_bytes_max; ++goodbye) {
    search tried(bytes - goodbye, lengths);
    tried.try_with(0);
    try_others(tried, lengths);
    if (tried.best() && tried.best()->lost > 0) {
      return tried.best();
    }
  }
  return std::nullopt;
}

}  // namespace

std::int64_t difference(const byte_balance& balance, const frame_lengths& lengths) {
  std::uint64_t expected = balance.heartbeats_due * lengths.heartbeat();
  for (const message_kind kind : {message_kind::room, message_kind::direct}) {
    expected += balance.due[static_cast<std::size_t>(kind)] * lengths.length(kind);
  }
  return static_cast<std::int64_t>(balance.bytes) - static_cast<std::int64_t>(expected);
}

balance_faults explain(const byte_balance& balance, const frame_lengths& lengths) {
  const std::int64_t bytes = difference(balance, lengths);
  search tried(bytes, lengths);
  const bool few_others = std::all_of(
      lengths.others().begin(), lengths.others().end(),
      [&lengths](const frame_lengths::learnt& other) { return lengths.least_of(other) == 0; });
  if (few_others) {
    tried.try_with(0);
  }
  if (!tried.best()) {
    try_unanswered_heartbeats(tried, balance, lengths);
    try_others(tried, lengths);
  }
  if (tried.best()) {
    return *tried.best();
  }
  if (tried.mixed()) {
    return *tried.mixed();
  }
  if (const auto lost = lost_behind_goodbye(bytes, lengths)) {
    return *lost;
  }
  const std::int64_t longest =
      std::max(length_of(lengths, message_kind::room), length_of(lengths, message_kind::direct));
  const std::int64_t missing = static_cast<std::int64_t>(lengths.mean_of_others()) - bytes;
  const std::int64_t lost = missing > 0 && longest > 0 ? (longest - 1 + missing) / longest : 0;
  return {static_cast<std::uint64_t>(lost), 0, 1};
}

balance_faults explain_cut(const byte_balance& balance, const frame_lengths& lengths) {
  const std::int64_t bytes = difference(balance, lengths);
  const std::uint64_t due = balance.due[0] + balance.due[1];
  const std::int64_t room = length_of(lengths, message_kind::room);
  const std::int64_t direct = length_of(lengths, message_kind::direct);
  const std::int64_t longest = std::max(room, direct);
  if (bytes >= 0 || due == 0 || longest == 0) {
    return {};
  }
  // Many that are missing are of both kinds, as what was due: by their mean length. A few may be of
  // one. What is there of the delivery that was cut, or of a goodbye, hides less than one more, so
  // that a part counts as a whole; one that is longer than the mean is no part of another.
  const double due_bytes = static_cast<double>(balance.due[0]) * static_cast<double>(room) +
                           static_cast<double>(balance.due[1]) * static_cast<double>(direct);
  const double mean = due_bytes / static_cast<double>(due);
  const auto at_least = static_cast<std::uint64_t>((longest - 1 - bytes) / longest);
  const double beyond_longest = static_cast<double>(-bytes) - static_cast<double>(longest) + mean;
  const auto about = static_cast<std::uint64_t>(std::ceil(std::max(beyond_longest, 0.0) / mean));
  return {std::min(std::max(at_least, about), due), 0, 0};
}

}  // namespace chinwag::load
