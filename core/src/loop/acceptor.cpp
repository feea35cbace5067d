#include "loop/acceptor.hpp"

#include <cerrno>
#include <utility>

#include "host/kernel.hpp"

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
  if (lifecycle_.open(fresh)) {
    shared_.counts.accepted.add();
    return true;
  }
  shared_.counts.accept_failures.add();
  kernel::close(fresh);
  return true;
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
