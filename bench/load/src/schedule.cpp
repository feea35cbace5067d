#include "schedule.hpp"

#include "clock.hpp"

namespace chinwag::load {

schedule::schedule(const plan& of) : plan_(of), count_(0) {
  const double seconds = ns_to_seconds(of.end_ns - of.start_ns);
  const auto bursts = static_cast<std::uint64_t>(seconds * of.messages_per_s / of.burst);
  // The division may be off by one burst in either direction: the planned time itself decides.
  count_ = bursts > 0 ? (bursts - 1) * of.burst : 0;
  while (planned_ns(count_) < of.end_ns) {
    count_ += of.burst;
  }
}

std::int64_t schedule::planned_ns(std::uint64_t index) const {
  const std::uint64_t first_of_burst = index - index % plan_.burst;
  const double offset_s = static_cast<double>(first_of_burst) / plan_.messages_per_s;
  return plan_.start_ns + seconds_to_ns(offset_s);
}

}  // namespace chinwag::load
