#include "state/users.hpp"

#include <utility>

namespace chinwag {

void users::add(connection_id id, std::string_view name) {
  derived& links = shared_.links;
  shared_.truth.connections[id].user = shared_.truth.names.put(name);
  const connection_id head = links.users.find(name);
  if (head == no_id) {
    links.users.add(id);
    return;
  }
  ++links.user_counts.try_emplace(head, 1).first->second;
  // Behind the head: the index keeps pointing at the same connection.
  links.connections[id].previous_of_user = head;
  links.connections[id].next_of_user = links.connections[head].next_of_user;
  if (links.connections[head].next_of_user != no_id) {
    links.connections[links.connections[head].next_of_user].previous_of_user = id;
  }
  links.connections[head].next_of_user = id;
}

std::uint32_t users::count(std::string_view name) const {
  const connection_id head = first(name);
  if (head == no_id) return 0;
  const auto several = shared_.links.user_counts.find(head);
  return several == shared_.links.user_counts.end() ? 1 : several->second;
}

// One of several connections leaves; the count goes by the first of those that stay.
void users::uncount(connection_id leaver) {
  derived& links = shared_.links;
  const stored_name& user = shared_.truth.connections[leaver].user;
  const connection_id head = first(shared_.truth.names.view(user));
  auto counted = links.user_counts.extract(head);
  if (--counted.mapped() == 1) return;
  if (head == leaver) counted.key() = next(leaver);
  links.user_counts.insert(std::move(counted));
}

void users::remove(connection_id id) {
  connection& leaver = shared_.truth.connections[id];
  if (leaver.user.size == 0) return;
  derived& links = shared_.links;
  const connection_id previous = links.connections[id].previous_of_user;
  const connection_id next = links.connections[id].next_of_user;
  if (previous != no_id || next != no_id) uncount(id);
  if (previous == no_id) {
    links.users.remove(id);
    if (next != no_id) {
      links.users.add(next);
    } else if (shared_.others != nullptr) {
      shared_.others->forget_user(shared_.truth.names.view(leaver.user));
    }
  } else {
    links.connections[previous].next_of_user = next;
  }
  if (next != no_id) links.connections[next].previous_of_user = previous;
  links.connections[id].next_of_user = no_id;
  links.connections[id].previous_of_user = no_id;
  shared_.truth.names.drop(leaver.user);
  leaver.user = {};
}

}  // namespace chinwag
