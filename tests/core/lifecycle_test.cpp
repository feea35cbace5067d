#include "connection/lifecycle.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <set>

#include "shard_parts.hpp"

namespace chinwag {
namespace {

using test::shard_parts;

// The parts that decide about a connection's life, on real sockets that nobody serves.
struct lifecycle_fixture {
  lifecycle_fixture() { EXPECT_TRUE(events.open()); }
  ~lifecycle_fixture() {
    life.end_all();
    for (const int end : client_ends) ::close(end);
  }

  connection_id open() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    client_ends.push_back(ends[1]);
    const connection_id id = life.open(ends[0]);
    EXPECT_NE(id, no_id);
    return id;
  }

  shard_parts parts;
  poller events{parts.shared};
  timer_wheel timers{parts.shared.links.connections};
  program host{{}};
  lifecycle life{parts.shared, parts.boxes, parts.places, parts.people,
                 parts.out,    events,      timers,       host};
  std::vector<int> client_ends;
};

// A close's time may be over in the turn in which its last bytes go out and the client's end comes.
TEST(lifecycle, a_dead_connection_is_not_revived_and_its_place_is_given_back_once) {
  lifecycle_fixture server;
  const connection_id id = server.open();
  server.life.begin_chat(id, "ann");
  server.life.close(id, close_code::restart);
  server.life.break_off(id);
  server.life.after_delivery(id, delivery::finished);
  server.life.break_off(id);
  EXPECT_EQ(server.parts.shared.truth.connections[id].phase, connection_phase::dead);
  work_budget turn(server.parts.shared.clock);
  turn.begin(UINT64_MAX);
  server.life.reap(turn);
  EXPECT_EQ(server.life.live(), 0U);
  EXPECT_NE(server.parts.shared.truth.connections.add(),
            server.parts.shared.truth.connections.add());
}

TEST(lifecycle, pings_of_connections_that_came_together_do_not_fall_together) {
  lifecycle_fixture server;
  std::set<tick_ms> due;
  for (int i = 0; i < 200; ++i) {
    due.insert(server.parts.shared.links.connections[server.open()].pinged_at);
  }
  EXPECT_GT(due.size(), 100U);
}

TEST(lifecycle_death_test, a_place_that_is_given_back_twice_ends_the_process) {
  table<int> places;
  const std::uint32_t place = places.add();
  places.remove(place);
  EXPECT_DEATH(places.remove(place), "");
}

}  // namespace
}  // namespace chinwag
