#include "chinwag/event_queue.hpp"

#include <iterator>
#include <utility>

namespace chinwag {

handlers event_queue::make_handlers(event_choice wanted) {
  handlers made;
  if (wanted.open) {
    made.open = [this](connection_handle who, std::string_view user) {
      gathered_.push_back({event_kind::open, {who, 0}, std::string(user)});
    };
  }
  if (wanted.join) {
    made.join = [this](const join_request& asked) -> verdict {
      gathered_.push_back(
          {event_kind::join, asked.ticket, std::string(asked.user), std::string(asked.room)});
      return {verdict::kind::later};
    };
  }
  if (wanted.message) {
    made.message = [this](const message_request& asked) -> verdict {
      gathered_.push_back({event_kind::message, asked.ticket, std::string(asked.user),
                           std::string(asked.room), std::string(asked.content)});
      return {verdict::kind::later};
    };
  }
  if (wanted.close) {
    made.close = [this](connection_handle who, std::string_view user, std::uint16_t code) {
      gathered_.push_back({event_kind::close, {who, 0}, std::string(user), {}, {}, code});
    };
  }
  if (wanted.any()) made.turn_end = [this] { hand_over(); };
  return made;
}

void event_queue::hand_over() {
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
  return std::exchange(ready_, {});
}

}  // namespace chinwag
