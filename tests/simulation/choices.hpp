#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace simulation {

// Where every choice of a run comes from. The same source gives the same run.
class choices {
 public:
  explicit choices(std::uint64_t seed) : state_(seed) {}
  // A fuzzer's input decides; where it ends, a generator goes on.
  explicit choices(std::span<const std::uint8_t> input)
      : input_(input), state_(input.size()), fuzzed_(true) {}

  // Whether a fuzzer's input was used up.
  bool input_ended() const { return fuzzed_ && input_.empty(); }

  std::uint64_t next() { return take(4); }

  // A number less than `limit`, which is not 0.
  std::uint64_t below(std::uint64_t limit) {
    return take(limit <= 0x100 ? 1 : limit <= 0x10000 ? 2 : 4) % limit;
  }
  std::uint64_t between(std::uint64_t least, std::uint64_t most) {
    return least + below(most - least + 1);
  }
  bool chance(std::uint64_t per_mille) { return below(1000) < per_mille; }

  template <typename List>
  const auto& pick(const List& list) {
    return list[static_cast<std::size_t>(below(std::size(list)))];
  }

 private:
  // No more bytes of an input than the choice needs: a mutation then changes one choice, and the
  // same input makes more of them.
  std::uint64_t take(unsigned bytes) {
    if (input_.empty()) return mixed();
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bytes && !input_.empty(); ++i) {
      value = value << 8 | input_.front();
      input_ = input_.subspan(1);
    }
    return value;
  }

  // splitmix64.
  std::uint64_t mixed() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  std::span<const std::uint8_t> input_{};
  std::uint64_t state_;
  bool fuzzed_ = false;
};

}  // namespace simulation
