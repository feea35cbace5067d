// What the shard calls: these take the place of core/src/host/kernel.cpp.

#include "simulated_kernel.hpp"

namespace chinwag::kernel {

namespace {

simulation::simulated_kernel& now() {
  return simulation::simulated_kernel::current();
}

}  // namespace

listening listen(const std::string&, std::uint16_t, std::uint32_t) {
  return now().listen();
}
int accept(int listener, peer_address& peer) {
  return now().accept(listener, peer);
}
peer_address peer_of(int connection) {
  return now().peer_of(connection);
}
std::string address_of(int) {
  return "127.0.0.1:4000";
}
ssize_t receive(int descriptor, std::span<char> into) {
  return now().receive(descriptor, into);
}
ssize_t send(int descriptor, std::span<const iovec> pieces) {
  return now().send(descriptor, pieces);
}
std::size_t untaken(int descriptor) {
  return now().untaken(descriptor);
}
void shutdown_write(int descriptor) {
  now().shutdown_write(descriptor);
}
void reset(int descriptor) {
  now().reset(descriptor);
}
void close_connection(int poller, int descriptor) {
  now().close_connection(poller, descriptor);
}
void close_listener(int poller, int descriptor) {
  now().close_listener(poller, descriptor);
}
int open_poller() {
  return now().open_poller();
}
bool watch(int poller, int descriptor, std::uint64_t key, std::uint32_t what) {
  return now().watch(poller, descriptor, key, what);
}
bool rewatch(int poller, int descriptor, std::uint64_t key, std::uint32_t what) {
  return now().rewatch(poller, descriptor, key, what);
}
void unwatch(int poller, int descriptor) {
  now().unwatch(poller, descriptor);
}
std::size_t wait(int poller, std::span<event> into, int timeout_ms) {
  return now().wait(poller, into, timeout_ms);
}
int open_wakeup() {
  return now().open_wakeup();
}
void wake(int wakeup) {
  now().wake(wakeup);
}
void clear_wakeup(int wakeup) {
  now().clear_wakeup(wakeup);
}
void close(int descriptor) {
  now().close(descriptor);
}
std::uint64_t monotonic_us() {
  return now().monotonic_us();
}
std::uint64_t unix_ms() {
  return now().unix_ms();
}
bool random_bytes(std::span<unsigned char> into) {
  return now().random_bytes(into);
}

}  // namespace chinwag::kernel
