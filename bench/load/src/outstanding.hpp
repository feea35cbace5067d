#pragma once

#include <cstdint>
#include <random>

namespace chinwag::load {

// Little's law as a check of the histogram: deliveries under way, counted apart, must average rate
// x mean delay. Samples fall at a random moment of every millisecond: at a fixed one they would
// keep step with evenly planned messages.
class outstanding_sampler {
 public:
  outstanding_sampler(std::int64_t start_ns, std::int64_t end_ns, std::uint64_t seed);

  std::int64_t next_ns() const { return next_ns_; }
  void sample(std::int64_t outstanding);

  std::uint32_t samples() const { return samples_; }
  double mean() const;
  double standard_error() const;  // of the mean

 private:
  void plan_next();

  std::mt19937_64 random_;
  std::int64_t period_start_ns_;
  std::int64_t end_ns_;
  std::int64_t next_ns_ = 0;
  std::uint32_t samples_ = 0;
  double sum_ = 0;
  double sum_of_squares_ = 0;
};

}  // namespace chinwag::load
