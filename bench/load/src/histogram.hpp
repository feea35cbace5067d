#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chinwag::load {

// Durations in nanoseconds, in HdrHistogram's layout: three significant digits from 1 us to 60 s.
// Counting costs one increment; longer durations are in one bucket, so a quantile among them is
// given as `max`, which it is not above. `max` and `mean` are exact.
class histogram {
 public:
  static constexpr std::int64_t lowest_ns = 1'000;
  static constexpr std::int64_t highest_ns = 60'000'000'000;
  static constexpr int significant_digits = 3;

  histogram();

  void record(std::int64_t ns);
  void clear();

  std::int64_t count() const { return count_; }
  std::int64_t max() const { return max_; }
  double mean() const;

  // The longest duration that counts as equal to the one below which `percent` of all lie; 0 when
  // empty.
  std::int64_t value_at(double percent) const;

  const std::vector<std::int64_t>& counts() const { return counts_; }

 private:
  // 2,048 steps keep three digits; each further bucket doubles the step and adds the upper half.
  static constexpr int step_bits = 11;
  static constexpr std::size_t half = std::size_t{1} << (step_bits - 1);
  static constexpr int unit_bits =
      static_cast<int>(std::bit_width(static_cast<std::uint64_t>(lowest_ns))) - 1;
  static constexpr std::uint64_t first_bucket_mask = ((std::uint64_t{1} << step_bits) - 1)
                                                     << unit_bits;

  static std::size_t index_of(std::uint64_t ns);
  static std::int64_t highest_at(std::size_t index);

  std::vector<std::int64_t> counts_;
  std::int64_t count_ = 0;
  std::int64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace chinwag::load
