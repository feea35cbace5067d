#include "connection/poller.hpp"

namespace chinwag {

poller::~poller() {
  if (descriptor_ >= 0) kernel::close(descriptor_);
}

bool poller::open() {
  descriptor_ = kernel::open_poller();
  return descriptor_ >= 0;
}

bool poller::watch(int descriptor, std::uint64_t key) {
  return kernel::watch(descriptor_, descriptor, key, kernel::readable);
}

bool poller::watch(int descriptor, std::uint64_t key, bool for_writing, bool known) {
  const std::uint32_t what = kernel::readable | (for_writing ? kernel::writable : 0U);
  return known ? kernel::rewatch(descriptor_, descriptor, key, what)
               : kernel::watch(descriptor_, descriptor, key, what);
}

void poller::unwatch(int descriptor) {
  kernel::unwatch(descriptor_, descriptor);
}

bool poller::add(connection_id id) {
  return watch(shared_.truth.connections[id].descriptor, key_of(id));
}

void poller::update(connection_id id) {
  const connection& of = shared_.truth.connections[id];
  connection_links& links = shared_.links.connections[id];
  if (links.peer_gone) return;
  const bool read = !links.reading_paused && !links.postponed && !of.input_ended;
  if (links.watches_read == read && links.watches_write == of.blocked) return;
  links.watches_read = read;
  links.watches_write = of.blocked;
  const std::uint32_t what = (read ? kernel::readable : 0U) | (of.blocked ? kernel::writable : 0U);
  kernel::rewatch(descriptor_, of.descriptor, key_of(id), what);
}

void poller::forget(connection_id id) {
  unwatch(shared_.truth.connections[id].descriptor);
}

void poller::close(connection_id id) {
  if (planted(fault::closed_twice)) kernel::close(shared_.truth.connections[id].descriptor);
  kernel::close_connection(descriptor_, shared_.truth.connections[id].descriptor);
}

void poller::close_listener(int descriptor) {
  kernel::close_listener(descriptor_, descriptor);
}

void poller::close_unwatched(int descriptor) {
  kernel::close_connection(descriptor_, descriptor);
}

std::size_t poller::wait(std::span<kernel::event> into, int timeout_ms) {
  return kernel::wait(descriptor_, into, timeout_ms);
}

std::uint64_t poller::key_of(connection_id id) const {
  return static_cast<std::uint64_t>(shared_.handle_of(id));
}

connection_id poller::owner_of(std::uint64_t key) const {
  return shared_.find(connection_handle{key});
}

}  // namespace chinwag
