#include "state/outboxes.hpp"

namespace chinwag {

void outboxes::add(connection_id id, const message_parts& message) {
  buffers_of(id).out.add(message);
  queue(id);
}

void outboxes::add(connection_id id, opcode code, std::string_view payload) {
  buffers_of(id).out.add(code, payload);
  queue(id);
}

void outboxes::add_raw(connection_id id, std::string_view bytes) {
  buffers_of(id).out.add_raw(bytes);
  queue(id);
}

std::size_t outboxes::waiting(connection_id id) const {
  const buffers_id place = shared_.truth.connections[id].buffers;
  return place == no_id ? 0 : shared_.truth.buffers[place].out.waiting().size();
}

void outboxes::queue(connection_id id) {
  connection_links& links = shared_.links.connections[id];
  if (links.in_outbox_queue) return;
  links.in_outbox_queue = true;
  shared_.links.outbox_queue.push_back(id);
}

connection_buffers& outboxes::buffers_of(connection_id id) {
  connection& owner = shared_.truth.connections[id];
  if (owner.buffers == no_id) owner.buffers = shared_.truth.buffers.add();
  return shared_.truth.buffers[owner.buffers];
}

void outboxes::trim(connection_id id) {
  connection& owner = shared_.truth.connections[id];
  if (owner.buffers == no_id || !shared_.truth.buffers[owner.buffers].empty()) return;
  shared_.truth.buffers.remove(owner.buffers);
  owner.buffers = no_id;
}

}  // namespace chinwag
