#include "held_requests.hpp"

#include <algorithm>
#include <utility>

namespace chinwag {

namespace {

// A request costs its record even if it has no text.
std::size_t cost(const held_request& request) {
  return sizeof request + request.text.size();
}

}  // namespace

void held_requests::add(held_request request) {
  bytes_ += cost(request);
  if (request.changes_rooms) ++changing_;
  waiting_.push_back(std::move(request));
}

bool held_requests::decide(std::uint64_t number, verdict outcome) {
  const auto found = std::find_if(waiting_.begin(), waiting_.end(), [&](const held_request& one) {
    return one.now == held_request::state::asked && one.number == number;
  });
  if (found == waiting_.end()) return false;
  found->now = held_request::state::decided;
  found->outcome = std::move(outcome);
  return true;
}

void held_requests::front_asked(std::uint64_t number, bool changes_rooms) {
  held_request& front = waiting_.front();
  if (front.changes_rooms && !changes_rooms) --changing_;
  front.changes_rooms = changes_rooms;
  front.number = number;
  front.now = held_request::state::asked;
}

void held_requests::pop() {
  const held_request& served = waiting_.front();
  bytes_ -= cost(served);
  if (served.changes_rooms) --changing_;
  waiting_.pop_front();
}

}  // namespace chinwag
