// A turn's work for a room of 100 without the kernel: appends of 1.1 kB frames, then a flush to
// members whose sends are counted and taken whole.

#include <benchmark/benchmark.h>

#include <string>

#include "connection/flusher.hpp"
#include "connection/sender.hpp"
#include "state/outboxes.hpp"
#include "state/rooms.hpp"
#include "wire/messages.hpp"

namespace chinwag {

struct test_access {
  static void begin_chat(connection& of) { of.phase = connection_phase::chat; }
};

namespace {

constexpr int room_members = 100;

std::size_t bytes_of(std::span<const iovec> pieces) {
  std::size_t bytes = 0;
  for (const iovec& piece : pieces) bytes += piece.iov_len;
  return bytes;
}

struct takes_all final : outlet {
  ssize_t send(int /*descriptor*/, std::span<const iovec> pieces) override {
    return static_cast<ssize_t>(bytes_of(pieces));
  }
  kernel::lending_threshold worth_lending() const override { return kernel::worth_lending(); }
  std::size_t lend(std::span<const iovec> pieces) override { return bytes_of(pieces); }
  ssize_t send_lent(int /*descriptor*/, std::size_t bytes) override {
    return static_cast<ssize_t>(bytes);
  }
  void pause_loan() override {}
  void end_loan() override {}
};

options without_clock() {
  options limits;
  limits.turn_us = 1'000'000;
  return limits;
}

void room_append_and_flush(benchmark::State& state) {
  context shared(without_clock(), {1, 2});
  outboxes boxes(shared);
  rooms places(shared, boxes);
  takes_all wires;
  sender out(shared, boxes, places, wires);
  flusher end_of_turn(shared, boxes, out, places, [](connection_id, delivery) {});
  for (int i = 0; i < room_members; ++i) {
    const connection_id id = shared.truth.connections.add();
    shared.links.connections.reset(id);
    test_access::begin_chat(shared.truth.connections[id]);
    places.join(id, "a");
  }
  end_of_turn.flush_rooms();
  const std::string content(1'024, 'x');
  const room_id room = places.find("a");
  for (auto _ : state) {
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      places.publish(room, room_message(quoted_name("a"), quoted_name("user"), content, "1"));
    }
    end_of_turn.flush_rooms();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0) * room_members);
}
BENCHMARK(room_append_and_flush)->Arg(1)->Arg(8)->Arg(32)->Arg(128);

}  // namespace
}  // namespace chinwag
