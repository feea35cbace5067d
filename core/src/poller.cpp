#include "poller.hpp"

#include <unistd.h>

namespace chinwag {

namespace {

std::uint32_t interest(const connection_links& links) {
  return (links.watches_read ? static_cast<std::uint32_t>(EPOLLIN) : 0U) |
         (links.watches_write ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
}

}  // namespace

poller::~poller() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool poller::open() {
  descriptor_ = ::epoll_create1(EPOLL_CLOEXEC);
  return descriptor_ >= 0;
}

bool poller::watch(int descriptor, std::uint64_t key) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = key;
  return ::epoll_ctl(descriptor_, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void poller::unwatch(int descriptor) {
  ::epoll_ctl(descriptor_, EPOLL_CTL_DEL, descriptor, nullptr);
}

bool poller::add(connection_id id) {
  return watch(shared_.truth.connections[id].descriptor, key_of(id));
}

void poller::update(connection_id id) {
  const connection& of = shared_.truth.connections[id];
  connection_links& links = shared_.links.connections[id];
  const bool read = !links.reading_paused;
  if (links.watches_read == read && links.watches_write == of.blocked) return;
  links.watches_read = read;
  links.watches_write = of.blocked;
  epoll_event event{};
  event.events = interest(links);
  event.data.u64 = key_of(id);
  ::epoll_ctl(descriptor_, EPOLL_CTL_MOD, of.descriptor, &event);
}

std::size_t poller::wait(epoll_event* events, std::size_t count, int timeout_ms) {
  const int ready = ::epoll_wait(descriptor_, events, static_cast<int>(count), timeout_ms);
  return ready > 0 ? static_cast<std::size_t>(ready) : 0;
}

std::uint64_t poller::key_of(connection_id id) const {
  return static_cast<std::uint64_t>(shared_.handle_of(id));
}

connection_id poller::owner_of(std::uint64_t key) const {
  return shared_.find(connection_handle{key});
}

}  // namespace chinwag
