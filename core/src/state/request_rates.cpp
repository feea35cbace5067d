#include "state/request_rates.hpp"

namespace chinwag {

namespace {

constexpr std::uint32_t second_ms = 1'000;

bool is_over(tick_ms since, tick_ms now) {
  return elapsed_ms(since, now) >= second_ms;
}

}  // namespace

request_rates::use request_rates::of(connection_handle who, tick_ms now) const {
  const auto found = seconds_.find(who);
  return found == seconds_.end() || is_over(found->second.since, now) ? use{} : found->second.used;
}

void request_rates::add(connection_handle who, tick_ms now, const use& more) {
  const auto [found, fresh] = seconds_.try_emplace(who);
  second& under_way = found->second;
  if (fresh || is_over(under_way.since, now)) {
    under_way = {now, more};
    beginnings_.push_back({now, who});
    return forget_old(now);
  }
  under_way.used.texts += more.texts;
  under_way.used.fanout_bytes += more.fanout_bytes;
}

// Two at least for each that is added: so no more are kept than began in two seconds or so, and
// nobody pays for all of them at once.
void request_rates::forget_old(tick_ms now) {
  for (int left = 2; left > 0 && !beginnings_.empty(); --left) {
    if (!is_over(beginnings_.front().since, now)) return;
    const auto found = seconds_.find(beginnings_.front().who);
    const bool began_anew =
        found != seconds_.end() && found->second.since != beginnings_.front().since;
    if (found != seconds_.end() && !began_anew) seconds_.erase(found);
    beginnings_.pop_front();
  }
}

}  // namespace chinwag
