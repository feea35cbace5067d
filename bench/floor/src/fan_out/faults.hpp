#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace chinwag::floor {

enum class fault : std::uint8_t { drop, duplicate, swap, corrupt, truncate, close, none };
inline constexpr std::size_t fault_kinds = static_cast<std::size_t>(fault::none);
inline constexpr std::array<const char*, fault_kinds> fault_names{
    "dropped", "duplicated", "swapped", "corrupted", "truncated", "closed"};

// Which deliveries go wrong on purpose: every n-th, counted over the whole server in the order
// sent; and who got them, so that a reader's counts can be compared.
class fault_plan {
 public:
  using periods = std::array<std::uint64_t, fault_kinds>;  // 0: never

  // None is made before so many deliveries.
  fault_plan(const periods& every, std::uint64_t from);

  // Counts deliveries of which none goes wrong; answers false, and counts none, if one would.
  bool pass(std::uint64_t deliveries);

  // Counts one delivery and answers what is to go wrong with it.
  fault next();

  // `delivery`: whose, and of which kind.
  void note(fault kind, const std::string& delivery) {
    ++hits_[static_cast<std::size_t>(kind)][delivery];
  }
  std::string as_json() const;  // by fault: delivery -> how often

 private:
  periods every_;
  periods due_{};  // number of the delivery that is next to go wrong
  std::uint64_t count_ = 0;
  std::uint64_t first_due_ = UINT64_MAX;
  std::array<std::map<std::string, std::uint64_t>, fault_kinds> hits_;

  void plan();
};

// A copy of a delivery's frame with another character in the padding of its content, or with ten
// characters of it missing and the header saying so.
std::string corrupted(std::string_view frame);
std::string truncated(std::string_view frame);

}  // namespace chinwag::floor
