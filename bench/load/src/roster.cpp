#include "roster.hpp"

#include <numeric>
#include <utility>

namespace chinwag::load {
namespace {

constexpr std::uint32_t rooms_of_district = 5;  // in a slot
constexpr std::size_t digits = 7;

}  // namespace

roster::roster(std::string prefix, const room_plan& plan)
    : prefix_(std::move(prefix)), plan_(plan), district_(rooms_of_district * plan.room_size) {
  for (std::uint32_t factor = 1; multipliers_.size() < plan.rooms_per_connection; ++factor) {
    if (std::gcd(factor, district_) == 1) {
      multipliers_.push_back(factor);
    }
  }
}

// Multiplying by what has no divisor in common with the district's size gives everybody another
// seat.
std::uint32_t roster::seat_of(std::uint32_t connection, std::uint32_t slot) const {
  const std::uint64_t within = connection % district_;
  return static_cast<std::uint32_t>(within * multipliers_[slot] % district_);
}

std::uint32_t roster::room_of(std::uint32_t connection, std::uint32_t slot) const {
  if (plan_.hot_room > 0) {
    return connection < plan_.hot_room ? 0 : 1 + (connection - plan_.hot_room) / plan_.room_size;
  }
  if (plan_.rooms_per_connection == 1) {
    return connection / plan_.room_size;
  }
  const std::uint32_t before = connection / district_ * plan_.rooms_per_connection + slot;
  return before * rooms_of_district + seat_of(connection, slot) / plan_.room_size;
}

std::uint32_t roster::place_of(std::uint32_t connection, std::uint32_t slot) const {
  if (plan_.hot_room > 0) {
    return connection < plan_.hot_room ? connection
                                       : (connection - plan_.hot_room) % plan_.room_size;
  }
  const bool one = plan_.rooms_per_connection == 1;
  return (one ? connection : seat_of(connection, slot)) % plan_.room_size;
}

std::string roster::name(const char* mark, std::uint32_t number) const {
  const std::string text = std::to_string(number);
  return prefix_ + mark + std::string(digits - text.size(), '0') + text;
}

}  // namespace chinwag::load
