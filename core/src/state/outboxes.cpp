#include "state/outboxes.hpp"

#include <array>
#include <span>

namespace chinwag {

void outboxes::add(connection_id id, const message_parts& message) {
  connection_buffers& kept = buffers_of(id);
  kept.out.add(message);
  count(kept);
  queue(id);
}

void outboxes::add(connection_id id, opcode code, std::string_view payload) {
  connection_buffers& kept = buffers_of(id);
  kept.out.add(code, payload);
  count(kept);
  queue(id);
}

void outboxes::add_raw(connection_id id, std::string_view bytes) {
  connection_buffers& kept = buffers_of(id);
  kept.out.add_raw(bytes);
  count(kept);
  queue(id);
}

void outboxes::add_frames(connection_id id, const room_log& log, std::uint64_t from) {
  if (from >= log.tail) return;
  connection_buffers& kept = buffers_of(id);
  while (from < log.tail) {
    std::array<iovec, 16> pieces{};
    const std::size_t count = read(log, shared_.truth.chunks, from, log.tail, pieces);
    for (const iovec& piece : std::span(pieces).first(count)) {
      kept.out.add_frames({static_cast<const char*>(piece.iov_base), piece.iov_len});
      from += piece.iov_len;
    }
  }
  count(kept);
  queue(id);
}

void outboxes::add_first(connection_id id, std::string_view bytes) {
  connection_buffers& kept = buffers_of(id);
  kept.out.add_first(bytes);
  count(kept);
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
  const buffers_id place = shared_.truth.connections[id].buffers;
  if (place == no_id) return;
  if (shared_.truth.buffers[place].empty()) return drop(id);
  count(shared_.truth.buffers[place]);
}

void outboxes::drop(connection_id id) {
  connection& owner = shared_.truth.connections[id];
  if (owner.buffers == no_id) return;
  shared_.links.buffer_bytes -= shared_.truth.buffers[owner.buffers].counted;
  shared_.truth.buffers.remove(owner.buffers);
  owner.buffers = no_id;
}

void outboxes::count(connection_buffers& kept) {
  const std::size_t now = kept.bytes();
  shared_.links.buffer_bytes += now - kept.counted;  // unsigned: a difference below zero wraps back
  kept.counted = now;
}

}  // namespace chinwag
