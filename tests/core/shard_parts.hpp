#pragma once

#include <deque>
#include <map>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "connection/sender.hpp"
#include "state/context.hpp"
#include "state/outboxes.hpp"
#include "state/rooms.hpp"
#include "state/users.hpp"
#include "wire.hpp"
#include "wire/messages.hpp"

namespace chinwag {

struct test_access {
  template <typename T, typename Owner>
  static void set(owned<T, Owner>& field, std::type_identity_t<T> value) {
    field = value;
  }
};

}  // namespace chinwag

namespace chinwag::test {

// Options whose turns never end by the clock: how fast the machine is must not matter to a test.
inline options unhurried() {
  return {.turn_us = 60'000'000};
}

// The parts of a shard below the loop, with wires instead of sockets: `room_on_wire` says how many
// bytes each connection's next sends may take.
struct shard_parts : outlet {
  explicit shard_parts(const options& settings = unhurried())
      : shared(settings, {1, 2}),
        boxes(shared),
        places(shared, boxes),
        people(shared),
        out(shared, boxes, places, *this) {}

  connection_id connect(const std::string& user) {
    const connection_id id = shared.truth.connections.add();
    shared.links.connections.reset(id);
    shared.truth.connections[id].descriptor = static_cast<int>(id);
    test_access::set(shared.truth.connections[id].phase, connection_phase::chat);
    people.add(id, user);
    return id;
  }

  void publish(const std::string& room, const std::string& content) {
    places.publish(places.find(room),
                   room_message(quoted_name(room), quoted_name("sender"), content, "1"));
  }

  member_id member_of(connection_id id, const std::string& room) const {
    return places.find_member(id, places.find(room));
  }

  ssize_t send(int wire, std::span<const iovec> pieces) override {
    ++copies;
    return write(wire, pieces);
  }

  kernel::lending_threshold worth_lending() const override { return threshold; }

  // The bytes are looked at only when they are sent, as pages are.
  std::size_t lend(std::span<const iovec> pieces) override {
    if (!lent.empty()) throw std::logic_error("a loan while there is one");
    std::size_t offered = 0;
    for (const iovec& piece : pieces) offered += piece.iov_len;
    const std::size_t taken = std::min(offered, lent_max);
    lent = first_of(pieces, taken);
    if (taken > 0) ++loans;
    return taken;
  }
  ssize_t send_lent(int wire, std::size_t bytes) override {
    return write(wire, first_of(lent, bytes));
  }
  static std::vector<iovec> first_of(std::span<const iovec> pieces, std::size_t bytes) {
    std::vector<iovec> first;
    for (const iovec& piece : pieces) {
      if (bytes == 0) return first;
      first.push_back({piece.iov_base, std::min(bytes, piece.iov_len)});
      bytes -= first.back().iov_len;
    }
    if (bytes > 0) throw std::logic_error("more than is lent");
    return first;
  }
  void pause_loan() override {}
  void end_loan() override { lent.clear(); }

  ssize_t write(int wire, std::span<const iovec> pieces) {
    ++sends;
    std::size_t room = unlimited ? SIZE_MAX : std::exchange(room_on_wire[wire], 0);
    if (room == 0) return -EAGAIN;
    std::size_t taken = 0;
    for (const iovec& piece : pieces) {
      const std::size_t count = std::min(room - taken, piece.iov_len);
      wires[wire].append(static_cast<const char*>(piece.iov_base), count);
      taken += count;
    }
    return static_cast<ssize_t>(taken);
  }

  bool unlimited = true;
  std::map<int, std::size_t> room_on_wire;
  std::map<int, std::string> wires;
  std::size_t sends = 0;
  std::size_t copies = 0;  // of the sends
  std::size_t loans = 0;
  kernel::lending_threshold threshold = kernel::worth_lending();
  std::size_t lent_max = SIZE_MAX;
  std::vector<iovec> lent;

  context shared;
  outboxes boxes;
  rooms places;
  users people;
  sender out;
};

}  // namespace chinwag::test
