#pragma once

#include "chinwag/handlers.hpp"
#include "chinwag/options.hpp"
#include "derived.hpp"
#include "metrics.hpp"
#include "state.hpp"
#include "turn_clock.hpp"

namespace chinwag {

// What the parts of a shard share. It belongs to one thread; only `counts` may be read by others.
struct context {
  context(const options& settings, const hash_key& key) : limits(settings), links(truth, key) {}

  // The name of a connection that outlives it: its place and which of those in that place it is.
  connection_handle handle_of(connection_id id) const {
    return connection_handle{std::uint64_t{links.connections[id].generation} << 32 | id};
  }
  // The connection of that name, or no_id if it is gone.
  connection_id find(connection_handle handle) const {
    const auto id = static_cast<connection_id>(handle);
    if (id >= truth.connections.size() || handle_of(id) != handle) return no_id;
    return truth.connections[id].phase == connection_phase::free ? no_id : id;
  }

  const options limits;
  state truth;
  derived links;
  metrics counts;
  turn_clock clock;
};

}  // namespace chinwag
