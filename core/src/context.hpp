#pragma once

#include "chinwag/options.hpp"
#include "derived.hpp"
#include "metrics.hpp"
#include "state.hpp"
#include "turn_clock.hpp"

namespace chinwag {

// What the parts of a shard share. It belongs to one thread; only `counts` may be read by others.
struct context {
  context(const options& settings, const hash_key& key) : limits(settings), links(truth, key) {}

  const options limits;
  state truth;
  derived links;
  metrics counts;
  turn_clock clock;
};

}  // namespace chinwag
