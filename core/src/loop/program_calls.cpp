#include "loop/program_calls.hpp"

#include <iterator>
#include <utility>

#include "wire/messages.hpp"

namespace chinwag {

task_queue::outcome task_queue::put(task wanted, std::size_t cost) {
  const std::lock_guard locked(guard_);
  if (!open_) return outcome::closed;
  if (cost != free && bytes_ + cost > bytes_max_) return outcome::full;
  const bool first = tasks_.empty();
  tasks_.push_back({std::move(wanted), cost});
  bytes_ += cost;
  return first ? outcome::taken_first : outcome::taken;
}

void task_queue::open() {
  const std::lock_guard locked(guard_);
  open_ = true;
}

void task_queue::run(const std::function<bool()>& enough) {
  take(false);
  held_up_ = false;
  while (!taken_.empty() && !enough()) {
    // Out of the queue first: a task may lead to another run.
    entry next = std::move(taken_.front());
    taken_.pop_front();
    if (next.wanted()) {
      bytes_ -= next.cost;
      continue;
    }
    taken_.push_front(std::move(next));
    held_up_ = true;
    return;
  }
}

void task_queue::close() {
  take(true);
  for (const entry& one : std::exchange(taken_, {})) one.wanted();
  bytes_ = 0;
}

void task_queue::abandon() {
  std::vector<entry> dropped;
  {
    const std::lock_guard locked(guard_);
    open_ = false;
    dropped.swap(tasks_);
  }
  taken_.clear();
  dropped.clear();
  bytes_ = 0;
}

void task_queue::take(bool last) {
  const std::lock_guard locked(guard_);
  if (last) open_ = false;
  std::move(tasks_.begin(), tasks_.end(), std::back_inserter(taken_));
  tasks_.clear();
}

void program_calls::publish(std::string_view room, std::string_view content,
                            std::string_view user) {
  const room_id place = rooms_.find(room);
  if (place == no_id && shared_.others == nullptr) return;
  refused_ = place != no_id && rooms_.is_behind(place);
  if (refused_) return;
  const quoted_name of_room(room);
  const quoted_name of_user(user);
  const message_parts text = room_message(of_room, of_user, content, shared_.clock.timestamp());
  if (place == no_id) return shared_.others->to_room(room, text, no_id);
  rooms_.publish(place, text);
}

void program_calls::send_to(std::string_view to, std::string_view content, std::string_view user) {
  const room_id log = rooms_.find_direct(to);
  refused_ = log != no_id && rooms_.is_behind(log);
  if (refused_) return;
  const quoted_name of_user(user);
  protocol_.direct_everywhere(to, direct_message(of_user, content, shared_.clock.timestamp()));
}

void program_calls::send(connection_handle to, std::string_view content, std::string_view user) {
  const connection_id id = shared_.find_chatting(to);
  if (id == no_id) return;
  rooms_.directs_to_outbox(id);
  outboxes_.add(id, direct_message(quoted_name(user), content, shared_.clock.timestamp()));
  shared_.counts.direct_deliveries.add();
}

void program_calls::close(connection_handle who, std::uint16_t code) {
  const connection_id id = shared_.find_chatting(who);
  if (id != no_id) lifecycle_.close(id, code);
}

void program_calls::decide(std::span<decision> decisions) {
  for (decision& one : decisions) {
    const connection_id id = shared_.find_chatting(one.about.from);
    if (id != no_id) requests_.decide(id, one.about.number, std::move(one.outcome));
  }
}

std::vector<room_info> program_calls::list_rooms() const {
  std::vector<room_info> found;
  for (room_id id = 0; id < shared_.truth.rooms.size(); ++id) {
    const std::uint32_t members = shared_.links.rooms[id].members;
    const bool listed = shared_.truth.rooms[id].name.size != 0 && !rooms_.is_direct(id);
    if (!listed || members == 0) continue;
    found.push_back({std::string(shared_.truth.names.view(shared_.truth.rooms[id].name)), members});
  }
  return found;
}

std::vector<member_info> program_calls::list_members(std::string_view room) const {
  std::vector<member_info> found;
  const room_id place = rooms_.find(room);
  if (place == no_id) return found;
  for (member_id at = shared_.links.rooms[place].first_member; at != no_id;
       at = shared_.links.members[at].next_in_room) {
    const member& one = shared_.truth.members[at];
    if (one.leaving()) continue;
    const stored_name& user = shared_.truth.connections[one.connection].user;
    found.push_back(
        {shared_.handle_of(one.connection), std::string(shared_.truth.names.view(user))});
  }
  return found;
}

}  // namespace chinwag
