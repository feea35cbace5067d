#include "chat/requests.hpp"

#include <memory>
#include <string>
#include <utility>

namespace chinwag {

namespace {

// What may wait for verdicts of one connection: many round trips' worth of small messages.
constexpr std::size_t held_bytes_ample = 512 * 1024;

}  // namespace

room_id requests::serve(connection_id id, std::string_view text) {
  if (held_by(id) != nullptr) {
    hold_behind(id, text);
    return no_id;
  }
  const served outcome = protocol_.serve(id, text);
  if (outcome.undecided != 0) {
    held_request request;
    request.now = held_request::state::asked;
    request.changes_rooms = outcome.changes_rooms;
    request.number = outcome.undecided;
    request.text = text;
    hold(id, std::move(request));
  }
  if (outcome.malformed) lifecycle_.close(id, close_code::unsupported);
  return outcome.published;
}

void requests::close(connection_id id, std::uint16_t code) {
  if (!hold_end(id, {.close_code = code})) lifecycle_.answer_close(id, code);
}

void requests::fail(connection_id id, std::uint16_t code) {
  if (!hold_end(id, {.close_code = code, .at_fault = true})) lifecycle_.close(id, code);
}

bool requests::outlive(connection_id id) {
  return hold_end(id, {.vanished = true});
}

// False if nothing waits that the end would have to wait for.
bool requests::hold_end(connection_id id, held_request end) {
  if (held_by(id) == nullptr) return false;
  end.changes_rooms = true;
  hold(id, std::move(end));
  return true;
}

// Others wait already. The program is asked at once where the answer can't depend on them.
void requests::hold_behind(connection_id id, std::string_view text) {
  held_request request;
  request.text = text;
  early_look early =
      protocol_.look_early(id, text, held_by(id)->may_ask() || planted(fault::asks_behind_a_leave));
  request.changes_rooms = early.changes_rooms;
  request.to_be_asked = early.to_be_asked;
  if (early.question) {
    const bool later = early.question->outcome.what == verdict::kind::later;
    request.now = later ? held_request::state::asked : held_request::state::decided;
    request.number = early.question->number;
    request.outcome = std::move(early.question->outcome);
  }
  hold(id, std::move(request));
}

void requests::hold(connection_id id, held_request request) {
  std::unique_ptr<request_queue>& held = outboxes_.buffers_of(id).held;
  if (!held) held = std::make_unique<request_queue>();
  shared_.links.held_bytes -= held->bytes();
  held->add(std::move(request));
  shared_.links.held_bytes += held->bytes();
  outboxes_.trim(id);
}

void requests::decide(connection_id id, std::uint64_t number, verdict outcome) {
  request_queue* held = held_by(id);
  if (held != nullptr && held->decide(number, std::move(outcome))) advance(id);
}

// Serves what can be served from the front, as far as the turn's time goes.
void requests::advance(connection_id id) {
  constexpr std::uint32_t units_per_request = 4;
  while (held_by(id) != nullptr && serve_front(id)) {
    if (!shared_.reading.spend(units_per_request)) continue;
    waiting_.push_back(shared_.handle_of(id));
    break;
  }
  outboxes_.trim(id);
}

// False if those behind the front must wait, or nothing is left.
bool requests::serve_front(connection_id id) {
  request_queue& held = *held_by(id);
  if (held.waits_for != no_id && rooms_.is_behind(held.waits_for)) return false;
  held.waits_for = no_id;
  if (held.empty()) {
    outboxes_.buffers_of(id).held.reset();
    return false;
  }
  const held_request& front = held.front();
  if (front.now == held_request::state::asked) return false;
  if (front.vanished) {
    lifecycle_.end_input(id);  // forgets what is held
    return false;
  }
  if (front.close_code != 0) {
    // Either forgets what is held.
    if (front.at_fault) {
      lifecycle_.close(id, front.close_code);
    } else {
      lifecycle_.answer_close(id, front.close_code);
    }
    return false;
  }
  const bool decided = front.now == held_request::state::decided;
  const served outcome = protocol_.serve(id, front.text, decided ? &front.outcome : nullptr);
  if (outcome.undecided != 0) {
    held.front_asked(outcome.undecided, outcome.changes_rooms);
    return false;
  }
  if (outcome.malformed) {
    lifecycle_.close(id, close_code::unsupported);
    return false;
  }
  shared_.links.held_bytes -= held.bytes();
  held.pop();
  shared_.links.held_bytes += held.bytes();
  wait_if_behind(id, outcome.published);
  return true;
}

void requests::wait_if_behind(connection_id id, room_id published) {
  if (published == no_id || !rooms_.is_behind(published)) return;
  held_by(id)->waits_for = published;
  waiting_.push_back(shared_.handle_of(id));
}

bool requests::full(connection_id id) const {
  const request_queue* held = held_by(id);
  if (held == nullptr) return false;
  return held->waits_for != no_id || held->bytes() > held_bytes_ample ||
         shared_.links.held_bytes > shared_.limits.undecided_bytes_max;
}

void requests::resume() {
  for (std::size_t left = waiting_.size(); left > 0 && !shared_.reading.spent(); --left) {
    const connection_handle who = waiting_.front();
    waiting_.pop_front();
    const connection_id id = shared_.find(who);
    const request_queue* held = id == no_id ? nullptr : held_by(id);
    if (held == nullptr) continue;
    if (held->waits_for != no_id && rooms_.is_behind(held->waits_for)) {
      shared_.reading.spend(1);
      waiting_.push_back(who);
    } else {
      advance(id);
    }
  }
}

request_queue* requests::held_by(connection_id id) const {
  const buffers_id place = shared_.truth.connections[id].buffers;
  return place == no_id ? nullptr : shared_.truth.buffers[place].held.get();
}

}  // namespace chinwag
