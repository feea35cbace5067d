#pragma once

#include <deque>
#include <map>
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
struct shard_parts {
  explicit shard_parts(const options& settings = unhurried())
      : shared(settings, {1, 2}),
        boxes(shared),
        places(shared, boxes),
        people(shared),
        out(shared, boxes, places,
            [this](int wire, std::span<const iovec> pieces) { return write(wire, pieces); }) {}

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

  context shared;
  outboxes boxes;
  rooms places;
  users people;
  sender out;
};

}  // namespace chinwag::test
