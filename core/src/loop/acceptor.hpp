#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "chinwag/error.hpp"
#include "connection/lifecycle.hpp"
#include "connection/poller.hpp"
#include "host/kernel.hpp"
#include "state/context.hpp"

namespace chinwag {

// The listening socket. When the system has no descriptor left it is not watched for a moment, so
// that the connections that wait cost nothing until one can be served.
class acceptor {
 public:
  acceptor(context& shared, lifecycle& lifecycle, poller& poller, std::uint64_t key)
      : shared_(shared), lifecycle_(lifecycle), poller_(poller), key_(key) {}
  ~acceptor();
  acceptor(const acceptor&) = delete;
  acceptor& operator=(const acceptor&) = delete;

  status listen();
  // Takes over a predecessor's listening socket.
  status inherit(int descriptor, std::uint16_t port);
  int descriptor() const { return descriptor_; }
  // The socket is a successor's; forget() leaves it to others to close it.
  void let_go();
  void forget() { descriptor_ = -1; }
  std::uint16_t port() const { return port_; }
  // Where it is bound, which a predecessor's settings decided.
  std::string address() const { return kernel::address_of(descriptor_); }

  // Takes what waits, within the turn's budget.
  void accept_waiting();
  // Watches again after a pause that is over.
  void resume_if_due();
  // Time until that; nothing if not paused.
  std::optional<std::uint32_t> wait_ms() const;

  void stop();

 private:
  bool accept_one();
  void take(int fresh, const kernel::peer_address& peer);
  void turn_away(int fresh);
  void pause();

  context& shared_;
  lifecycle& lifecycle_;
  poller& poller_;
  std::uint64_t key_;
  int descriptor_ = -1;
  std::uint16_t port_ = 0;
  bool paused_ = false;
  tick_ms paused_at_ = 0;
};

}  // namespace chinwag
