#pragma once

#include <array>

#include "chinwag/stats.hpp"

namespace chinwag {

// What the places of the arrays in stats are called.
inline constexpr std::array<const char*, request_kinds> request_names = {
    "join", "leave", "message", "direct", "heartbeat", "unknown", "refused"};

inline constexpr std::array<const char*, refusal_kinds> refusal_names = {
    "bad_request",  "not_joined", "no_such_user", "too_many_rooms",
    "rate_limited", "forbidden",  "unavailable"};

inline constexpr std::array<const char*, close_kinds> close_names = {
    "1000", "1001", "1002", "1003", "1004", "1005", "1006", "1007", "1008",
    "1009", "1010", "1011", "1012", "1013", "1014", "1015", "other"};

inline constexpr std::array<const char*, turn_bounds_us.size() + 1> turn_bound_names = {
    "50", "100", "250", "500", "1000", "2000", "5000", "10000", "50000", "250000", "more"};

}  // namespace chinwag
