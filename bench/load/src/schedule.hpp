#pragma once

#include <cstdint>
#include <vector>

namespace chinwag::load {

// `even`: the mildest arrivals there are. `poisson`: as of many people who know nothing of each
// other; gaps are exponential, and the number of messages before the window and in it is as
// planned.
enum class arrivals : std::uint8_t { even, poisson };

// The open loop's plan: when every message of a hold is due, whatever the server does meanwhile.
// Times come from the message's index alone, so that no rounding adds up and a late message never
// moves the ones behind it.
class schedule {
 public:
  struct plan {
    std::int64_t start_ns;
    std::int64_t end_ns;  // no message is planned at or after it
    double messages_per_s;
    std::uint32_t burst;  // so many messages share one planned time
    arrivals law = arrivals::even;
    std::int64_t begin_ns = 0;  // of the window; for `poisson`
    std::uint64_t seed = 0;     // for `poisson`
  };

  explicit schedule(const plan& of);

  std::uint64_t count() const { return count_; }
  std::int64_t planned_ns(std::uint64_t index) const;

 private:
  std::int64_t even_ns(std::uint64_t index) const;
  void plan_poisson(std::int64_t from_ns, std::int64_t to_ns, std::uint64_t bursts,
                    std::uint64_t seed);

  plan plan_;
  std::uint64_t count_;
  std::vector<std::int64_t> times_ns_;  // of bursts, where they are random
};

}  // namespace chinwag::load
