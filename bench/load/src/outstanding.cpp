#include "outstanding.hpp"

#include <algorithm>
#include <cmath>

#include "clock.hpp"

namespace chinwag::load {
namespace {

// As short as stalls that move a mean: between two samples none may hide.
constexpr std::int64_t period_ns = ns_per_ms;

}  // namespace

outstanding_sampler::outstanding_sampler(std::int64_t start_ns, std::int64_t end_ns,
                                         std::uint64_t seed)
    : random_(seed), period_start_ns_(start_ns), end_ns_(end_ns) {
  plan_next();
}

void outstanding_sampler::sample(std::int64_t outstanding) {
  const auto value = static_cast<double>(outstanding);
  ++samples_;
  sum_ += value;
  sum_of_squares_ += value * value;
  plan_next();
}

void outstanding_sampler::plan_next() {
  std::uniform_int_distribution<std::int64_t> within(0, period_ns - 1);
  next_ns_ = period_start_ns_ + within(random_);
  period_start_ns_ += period_ns;
  if (next_ns_ >= end_ns_) {
    next_ns_ = never_ns;
  }
}

double outstanding_sampler::mean() const {
  return samples_ == 0 ? 0 : sum_ / samples_;
}

double outstanding_sampler::standard_error() const {
  if (samples_ < 2) {
    return 0;
  }
  const double variance = (sum_of_squares_ - sum_ * mean()) / (samples_ - 1);
  return std::sqrt(std::max(variance, 0.0) / samples_);
}

}  // namespace chinwag::load
