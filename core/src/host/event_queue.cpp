#include "chinwag/event_queue.hpp"

#include <iterator>
#include <utility>

namespace chinwag {

namespace {

std::size_t cost(const event& happened) {
  return sizeof happened + happened.user.size() + happened.room.size() + happened.content.size();
}

}  // namespace

handlers event_queue::make_handlers(event_choice wanted) {
  handlers made;
  if (wanted.open) {
    made.open = [this](connection_handle who, std::string_view user) { gather_open(who, user); };
  }
  if (wanted.join) {
    made.join = [this](const join_request& asked) {
      return gather_request(
          {event_kind::join, asked.ticket, std::string(asked.user), std::string(asked.room)});
    };
  }
  if (wanted.message) {
    made.message = [this](const message_request& asked) {
      return gather_request({event_kind::message, asked.ticket, std::string(asked.user),
                             std::string(asked.room), std::string(asked.content)});
    };
  }
  if (wanted.open || wanted.close) {
    made.close = [this, wanted](connection_handle who, std::string_view user, std::uint16_t code) {
      gather_close({event_kind::close, {who, 0}, std::string(user), {}, {}, code}, wanted);
    };
  }
  if (wanted.any()) made.turn_end = [this] { hand_over(); };
  return made;
}

void event_queue::gather(event happened) {
  bytes_ += cost(happened);
  gathered_.push_back(std::move(happened));
}

void event_queue::gather_open(connection_handle who, std::string_view user) {
  event opened{event_kind::open, {who, 0}, std::string(user)};
  if (has_room(cost(opened))) {
    gather(std::move(opened));
  } else {
    unannounced_.insert(static_cast<std::uint64_t>(who));
  }
}

void event_queue::gather_close(event happened, event_choice wanted) {
  if (unannounced_.erase(static_cast<std::uint64_t>(happened.ticket.from)) > 0) return;
  if (!wanted.close) return;
  // As many as connections that were announced, which have a bound.
  if (wanted.open || has_room(cost(happened))) gather(std::move(happened));
}

verdict event_queue::gather_request(event happened) {
  const auto who = static_cast<std::uint64_t>(happened.ticket.from);
  const bool unannounced = unannounced_.contains(who);
  const std::size_t opening = unannounced ? sizeof happened + happened.user.size() : 0;
  if (!has_room(cost(happened) + opening)) {
    return {verdict::kind::refuse, "the server is busy", refusal::unavailable};
  }
  if (unannounced) {
    unannounced_.erase(who);
    gather({event_kind::open, {happened.ticket.from, 0}, happened.user});
  }
  gather(std::move(happened));
  return {verdict::kind::later};
}

void event_queue::hand_over() {
  if (gathered_.empty()) return;
  bool first = false;
  {
    const std::lock_guard locked(guard_);
    first = ready_.empty();
    if (first) {
      ready_.swap(gathered_);
    } else {
      ready_.insert(ready_.end(), std::make_move_iterator(gathered_.begin()),
                    std::make_move_iterator(gathered_.end()));
    }
  }
  gathered_.clear();
  if (first) wake_();
}

std::vector<event> event_queue::take() {
  const std::lock_guard locked(guard_);
  for (const event& one : ready_) bytes_ -= cost(one);
  return std::exchange(ready_, {});
}

}  // namespace chinwag
