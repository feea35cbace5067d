#include "joining.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "server_text.hpp"

namespace chinwag::load {
namespace {

constexpr std::uint32_t in_flight_max = 64;  // a room's members get one announcement for each

// Announcements under way. In a large room a member's own comes back long before the last member
// has it: who joins as fast as that fills the queues of those who are slow to be served.
constexpr std::uint64_t under_way_max = 16'384;

// Once a connection ended, how many announcements are due can't be known any more: a quiet second
// must do.
constexpr std::int64_t patience_after_end_ns = ns_per_s;

}  // namespace

joining::joining(load::crowd& crowd, double answer_timeout_s)
    : activity(crowd),
      awaited_(crowd.joined.size()),
      entered_(crowd.joined.size()),
      patience_ns_(seconds_to_ns(answer_timeout_s)),
      give_up_ns_(monotonic_ns() + patience_ns_) {
  plan();
  wake_ns = 0;
}

// Rooms take turns. A join is announced to all members so far, whatever the order in which the
// server takes them.
void joining::plan() {
  const roster& names = crowd().names;
  std::vector<std::uint32_t> members;
  for (std::uint32_t id = 0; id < crowd().connections.size(); ++id) {
    const bool joins = crowd().connections.is_open(id) && !crowd().joined[id];
    wanted_ += joins ? 1 : 0;
    for (std::uint32_t slot = 0; slot < names.slots(); ++slot) {
      const std::uint32_t room = names.room_of(id, slot);
      members.resize(std::max<std::size_t>(members.size(), room + std::size_t{1}));
      members[room] += crowd().is_member(id) ? 1 : 0;
      if (joins) {
        order_.push_back({id, slot});
      }
    }
  }
  const auto rank = [&names](const seat& of) {
    return std::tuple(names.place_of(of.connection, of.slot), of.connection, of.slot);
  };
  std::sort(order_.begin(), order_.end(),
            [&rank](const seat& left, const seat& right) { return rank(left) < rank(right); });
  for (const seat& next : order_) {
    audience_.push_back(++members[names.room_of(next.connection, next.slot)]);
    announcements_expected_ += audience_.back();
  }
}

bool joining::done() const {
  return gave_up_ || (joined_ == wanted_ && announcements_ >= announcements_expected_);
}

void joining::on_due(std::int64_t now_ns) {
  start_more();
  gave_up_ = now_ns >= give_up_ns_;
  wake_ns = give_up_ns_;
}

bool joining::may_start() const {
  const bool calm = !exact_ || announcements_due_ < announcements_ + under_way_max;
  return next_ < order_.size() && in_flight_ < in_flight_max && calm;
}

void joining::start_more() {
  while (may_start()) {
    const auto [id, slot] = order_[next_];
    announcements_due_ += audience_[next_++];
    if (crowd().connections.is_open(id)) {
      ++in_flight_;
      ++awaited_[id];
      join(id, slot);
    }
  }
}

void joining::on_text(std::uint32_t connection, std::string_view payload, std::size_t wire_bytes,
                      std::int64_t now_ns) {
  if (type_of(payload) != text_type::user_joined) {
    activity::on_text(connection, payload, wire_bytes, now_ns);
    return;
  }
  ++announcements_;
  give_up_ns_ = now_ns + patience_ns_;
  if (awaited_[connection] > 0 && is_own_join(connection, payload)) {
    --awaited_[connection];
    --in_flight_;
    if (++entered_[connection] == crowd().names.slots()) {
      crowd().joined[connection] = true;
      ++joined_;
    }
  }
  if (may_start()) {
    wake_ns = 0;
  }
}

void joining::on_end(std::uint32_t connection, const ending& why) {
  activity::on_end(connection, why);
  exact_ = false;
  in_flight_ -= std::exchange(awaited_[connection], 0);
  patience_ns_ = patience_after_end_ns;
  give_up_ns_ = monotonic_ns() + patience_ns_;
  wake_ns = 0;
}

}  // namespace chinwag::load
