#include "histogram.hpp"

#include <algorithm>

namespace chinwag::load {

histogram::histogram() {
  int buckets = 1;
  for (std::int64_t reach = std::int64_t{1} << (step_bits + unit_bits); reach <= highest_ns;
       reach <<= 1) {
    ++buckets;
  }
  counts_.resize((static_cast<std::size_t>(buckets) + 1) * half);
}

std::size_t histogram::index_of(std::uint64_t ns) {
  const int bucket =
      static_cast<int>(std::bit_width(ns | first_bucket_mask)) - unit_bits - step_bits;
  const std::size_t step = ns >> (bucket + unit_bits);
  return static_cast<std::size_t>(bucket) * half + step;
}

std::int64_t histogram::highest_at(std::size_t index) {
  const std::size_t bucket = index < 2 * half ? 0 : index / half - 1;
  const std::size_t step = index - bucket * half;
  return static_cast<std::int64_t>((step + 1) << (bucket + unit_bits)) - 1;
}

void histogram::record(std::int64_t ns) {
  const std::int64_t duration = std::max<std::int64_t>(ns, 0);
  ++counts_[index_of(static_cast<std::uint64_t>(std::min(duration, highest_ns)))];
  ++count_;
  max_ = std::max(max_, duration);
  sum_ += static_cast<double>(duration);
}

void histogram::clear() {
  std::fill(counts_.begin(), counts_.end(), 0);
  count_ = 0;
  max_ = 0;
  sum_ = 0;
}

double histogram::mean() const {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

std::int64_t histogram::value_at(double percent) const {
  const double place = percent / 100 * static_cast<double>(count_);
  // HdrHistogram's own rounding, so that other readers of the log find the same bucket.
  const auto rank = static_cast<std::int64_t>(place + 0.5);  // NOLINT(bugprone-incorrect-roundings)
  const std::int64_t wanted = std::max<std::int64_t>(rank, 1);
  std::int64_t seen = 0;
  for (std::size_t index = 0; index < counts_.size(); ++index) {
    seen += counts_[index];
    if (seen >= wanted) {
      // The last one has all that is longer, too: of those only the longest is known.
      const bool is_last = index == index_of(static_cast<std::uint64_t>(highest_ns));
      return is_last ? max_ : std::min(highest_at(index), max_);
    }
  }
  return 0;
}

}  // namespace chinwag::load
