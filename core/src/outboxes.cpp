#include "outboxes.hpp"

namespace chinwag {

void outboxes::add(connection_id id, const message_parts& message) {
  stash_of(id).out.add(message);
  queue(id);
}

void outboxes::add(connection_id id, opcode code, std::string_view payload) {
  stash_of(id).out.add(code, payload);
  queue(id);
}

void outboxes::add_raw(connection_id id, std::string_view bytes) {
  stash_of(id).out.add_raw(bytes);
  queue(id);
}

std::size_t outboxes::waiting(connection_id id) const {
  const stash_id place = shared_.truth.connections[id].stash;
  return place == no_id ? 0 : shared_.truth.stashes[place].out.waiting().size();
}

void outboxes::queue(connection_id id) {
  connection_links& links = shared_.links.connections[id];
  if (links.in_outbox_queue) return;
  links.in_outbox_queue = true;
  shared_.links.outbox_queue.push_back(id);
}

stash& outboxes::stash_of(connection_id id) {
  connection& owner = shared_.truth.connections[id];
  if (owner.stash == no_id) owner.stash = shared_.truth.stashes.add();
  return shared_.truth.stashes[owner.stash];
}

void outboxes::trim(connection_id id) {
  connection& owner = shared_.truth.connections[id];
  if (owner.stash == no_id || !shared_.truth.stashes[owner.stash].empty()) return;
  shared_.truth.stashes.remove(owner.stash);
  owner.stash = no_id;
}

}  // namespace chinwag
