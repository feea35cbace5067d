#include "state/users.hpp"

namespace chinwag {

void users::add(connection_id id, std::string_view name) {
  derived& links = shared_.links;
  shared_.truth.connections[id].user = shared_.truth.names.put(name);
  const connection_id head = links.users.find(name);
  if (head == no_id) {
    links.users.add(id);
    return;
  }
  // Behind the head: the index keeps pointing at the same connection.
  links.connections[id].previous_of_user = head;
  links.connections[id].next_of_user = links.connections[head].next_of_user;
  if (links.connections[head].next_of_user != no_id) {
    links.connections[links.connections[head].next_of_user].previous_of_user = id;
  }
  links.connections[head].next_of_user = id;
}

void users::remove(connection_id id) {
  connection& leaver = shared_.truth.connections[id];
  if (leaver.user.size == 0) return;
  derived& links = shared_.links;
  const connection_id previous = links.connections[id].previous_of_user;
  const connection_id next = links.connections[id].next_of_user;
  if (previous == no_id) {
    links.users.remove(id);
    if (next != no_id) links.users.add(next);
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
