#include "loop/acceptor.hpp"

#include <cerrno>
#include <string>
#include <utility>

#include "host/kernel.hpp"
#include "wire/http.hpp"

namespace chinwag {

namespace {

constexpr std::uint32_t pause_ms = 100;
constexpr std::uint32_t units_per_accept = 32;

}  // namespace

acceptor::~acceptor() {
  stop();
}

status acceptor::listen() {
  const options& limits = shared_.limits;
  kernel::listening bound = kernel::listen(limits.host, limits.port, limits.listen_backlog);
  if (!bound.outcome) return std::move(bound.outcome);
  descriptor_ = bound.descriptor;
  port_ = bound.port;
  if (poller_.watch(descriptor_, key_)) return {};
  stop();
  return {error::no_descriptors, "can't watch the listening socket"};
}

status acceptor::inherit(int descriptor, std::uint16_t port) {
  descriptor_ = descriptor;
  port_ = port;
  if (poller_.watch(descriptor_, key_)) return {};
  return {error::no_descriptors, "can't watch the listening socket"};
}

void acceptor::let_go() {
  if (descriptor_ >= 0) kernel::close(descriptor_);
  forget();
}

void acceptor::accept_waiting() {
  for (std::uint32_t i = 0; i < shared_.limits.accepts_per_turn; ++i) {
    if (descriptor_ < 0 || shared_.reading.spend(units_per_accept) || !accept_one()) return;
  }
}

// False when nothing more can be accepted now.
bool acceptor::accept_one() {
  kernel::peer_address peer{};
  const int fresh = kernel::accept(descriptor_, peer);
  if (fresh < 0) {
    if (fresh == -EAGAIN || fresh == -EWOULDBLOCK) return false;
    if (fresh == -ECONNABORTED || fresh == -EINTR) return true;
    shared_.counts.accept_failures.add();
    pause();
    return false;
  }
  take(fresh, peer);
  return true;
}

void acceptor::take(int fresh, const kernel::peer_address& peer) {
  const std::uint32_t of_address_max = shared_.limits.connections_per_address_max;
  const bool limited = of_address_max != 0;
  if (lifecycle_.live() >= shared_.limits.connections_max ||
      (limited && shared_.links.addresses.count(peer) >= of_address_max)) {
    return turn_away(fresh);
  }
  const connection_id id = lifecycle_.open(fresh);
  if (id == no_id) {
    shared_.counts.accept_failures.add();
    poller_.close_unwatched(fresh);
    return;
  }
  if (limited) shared_.links.addresses.add(id, peer);
  shared_.counts.accepted.add();
}

// What was not asked for yet is answered as far as one send goes; nothing is kept for it.
void acceptor::turn_away(int fresh) {
  shared_.counts.accept_failures.add();
  static const std::string busy =
      write_http({.code = 503, .body = "the server has as many connections as it may have\n"});
  const iovec whole{const_cast<char*>(busy.data()), busy.size()};
  kernel::send(fresh, {&whole, 1});
  poller_.close_unwatched(fresh);
}

void acceptor::pause() {
  paused_ = true;
  paused_at_ = shared_.clock.now();
  poller_.unwatch(descriptor_);
}

void acceptor::resume_if_due() {
  if (!paused_ || descriptor_ < 0 || *wait_ms() > 0) return;
  if (planted(fault::accepting_never_resumes)) return;
  paused_ = !poller_.watch(descriptor_, key_);
  if (paused_) paused_at_ = shared_.clock.now();  // tried again after another pause
}

std::optional<std::uint32_t> acceptor::wait_ms() const {
  if (!paused_) return std::nullopt;
  const std::uint32_t elapsed = elapsed_ms(paused_at_, shared_.clock.now());
  return elapsed >= pause_ms ? 0 : pause_ms - elapsed;
}

void acceptor::stop() {
  if (descriptor_ >= 0) poller_.close_listener(descriptor_);
  descriptor_ = -1;
  paused_ = false;
}

}  // namespace chinwag
