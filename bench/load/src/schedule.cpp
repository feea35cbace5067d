#include "schedule.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "clock.hpp"

namespace chinwag::load {

schedule::schedule(const plan& of) : plan_(of), count_(0) {
  const double seconds = ns_to_seconds(of.end_ns - of.start_ns);
  const auto bursts = static_cast<std::uint64_t>(seconds * of.messages_per_s / of.burst);
  // The division may be off by one burst in either direction: the planned time itself decides.
  count_ = bursts > 0 ? (bursts - 1) * of.burst : 0;
  while (even_ns(count_) < of.end_ns) {
    count_ += of.burst;
  }
  if (of.law == arrivals::poisson) {
    std::uint64_t before = 0;
    while (before < count_ && even_ns(before) < of.begin_ns) {
      const auto skipped = static_cast<std::uint64_t>(ns_to_seconds(of.begin_ns - even_ns(before)) *
                                                      of.messages_per_s / of.burst / 2);
      before += std::max<std::uint64_t>(skipped, 1) * of.burst;
    }
    before = std::min(before, count_);
    plan_poisson(of.start_ns, of.begin_ns, before / of.burst, of.seed);
    plan_poisson(of.begin_ns, of.end_ns, (count_ - before) / of.burst, ~of.seed);
  }
}

// The points of a Poisson process, given their number, are sums of exponential gaps, scaled to the
// time that there is. No standard distribution: its numbers would differ between libraries.
void schedule::plan_poisson(std::int64_t from_ns, std::int64_t to_ns, std::uint64_t bursts,
                            std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto gap = [&random] {
    constexpr double steps = 9007199254740992;  // 2^53
    return -std::log((static_cast<double>(random() >> 11) + 0.5) / steps);
  };
  std::vector<double> sums;
  sums.reserve(bursts);
  double sum = 0;
  for (std::uint64_t i = 0; i < bursts; ++i) {
    sums.push_back(sum += gap());
  }
  const double length = static_cast<double>(to_ns - from_ns) / (sum + gap());
  for (const double reached : sums) {
    times_ns_.push_back(std::min(from_ns + static_cast<std::int64_t>(reached * length), to_ns - 1));
  }
}

std::int64_t schedule::planned_ns(std::uint64_t index) const {
  return times_ns_.empty() ? even_ns(index) : times_ns_[index / plan_.burst];
}

std::int64_t schedule::even_ns(std::uint64_t index) const {
  const std::uint64_t first_of_burst = index - index % plan_.burst;
  const double offset_s = static_cast<double>(first_of_burst) / plan_.messages_per_s;
  return plan_.start_ns + seconds_to_ns(offset_s);
}

}  // namespace chinwag::load
