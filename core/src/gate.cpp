#include "gate.hpp"

#include <memory>
#include <string>
#include <utility>

namespace chinwag {

namespace {

// What may wait for verdicts of one connection: many round trips' worth of small messages.
constexpr std::size_t held_bytes_ample = 512 * 1024;

}  // namespace

room_id gate::serve(connection_id id, std::string_view text) {
  if (held_by(id) != nullptr) {
    hold_behind(id, text);
    return no_id;
  }
  const served outcome = chat_.serve(id, text);
  if (outcome.undecided != 0) {
    held_request request;
    request.now = held_request::state::asked;
    request.changes_rooms = outcome.changes_rooms;
    request.number = outcome.undecided;
    request.text = text;
    hold(id, std::move(request));
  }
  if (outcome.malformed) life_.close(id, close_code::unsupported);
  return outcome.published;
}

void gate::close(connection_id id, std::uint16_t code) {
  if (held_by(id) == nullptr) return life_.answer_close(id, code);
  held_request request;
  request.changes_rooms = true;
  request.close_code = code;
  hold(id, std::move(request));
}

// Others wait already. The program is asked at once where the answer can't depend on them.
void gate::hold_behind(connection_id id, std::string_view text) {
  held_request request;
  request.text = text;
  early_look early = chat_.look_early(id, text, held_by(id)->rooms_are_known());
  request.changes_rooms = early.changes_rooms;
  if (early.question) {
    const bool later = early.question->outcome.what == verdict::kind::later;
    request.now = later ? held_request::state::asked : held_request::state::decided;
    request.number = early.question->number;
    request.outcome = std::move(early.question->outcome);
  }
  hold(id, std::move(request));
}

void gate::hold(connection_id id, held_request request) {
  std::unique_ptr<held_requests>& held = boxes_.stash_of(id).held;
  if (!held) held = std::make_unique<held_requests>();
  shared_.links.held_bytes -= held->bytes();
  held->add(std::move(request));
  shared_.links.held_bytes += held->bytes();
}

void gate::decide(connection_id id, std::uint64_t number, verdict outcome) {
  held_requests* held = held_by(id);
  if (held != nullptr && held->decide(number, std::move(outcome))) advance(id);
}

// Serves what can be served from the front.
void gate::advance(connection_id id) {
  while (held_by(id) != nullptr && serve_front(id)) {
  }
  boxes_.trim(id);
}

// False if those behind the front must wait, or nothing is left.
bool gate::serve_front(connection_id id) {
  held_requests& held = *held_by(id);
  if (held.waits_for != no_id && rooms_.is_behind(held.waits_for)) return false;
  held.waits_for = no_id;
  if (held.empty()) {
    boxes_.stash_of(id).held.reset();
    return false;
  }
  const held_request& front = held.front();
  if (front.now == held_request::state::asked) return false;
  if (front.close_code != 0) {
    life_.answer_close(id, front.close_code);  // forgets what is held
    return false;
  }
  const bool decided = front.now == held_request::state::decided;
  const served outcome = chat_.serve(id, front.text, decided ? &front.outcome : nullptr);
  if (outcome.undecided != 0) {
    held.front_asked(outcome.undecided, outcome.changes_rooms);
    return false;
  }
  if (outcome.malformed) {
    life_.close(id, close_code::unsupported);
    return false;
  }
  shared_.links.held_bytes -= held.bytes();
  held.pop();
  shared_.links.held_bytes += held.bytes();
  wait_if_behind(id, outcome.published);
  return true;
}

void gate::wait_if_behind(connection_id id, room_id published) {
  if (published == no_id || !rooms_.is_behind(published)) return;
  held_by(id)->waits_for = published;
  stuck_.push_back({id, shared_.links.connections[id].generation});
}

bool gate::full(connection_id id) const {
  const held_requests* held = held_by(id);
  if (held == nullptr) return false;
  return held->waits_for != no_id || held->bytes() > held_bytes_ample ||
         shared_.links.held_bytes > shared_.limits.undecided_bytes_max;
}

void gate::resume() {
  std::vector<stuck> waiting;
  waiting.swap(stuck_);
  for (const stuck& one : waiting) {
    if (shared_.links.connections[one.id].generation != one.generation) continue;
    held_requests* held = held_by(one.id);
    if (held == nullptr) continue;
    if (held->waits_for != no_id && rooms_.is_behind(held->waits_for)) {
      stuck_.push_back(one);
    } else {
      advance(one.id);
    }
  }
}

held_requests* gate::held_by(connection_id id) const {
  const stash_id place = shared_.truth.connections[id].stash;
  return place == no_id ? nullptr : shared_.truth.stashes[place].held.get();
}

}  // namespace chinwag
