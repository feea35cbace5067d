#pragma once

#include <string>

namespace chinwag::load {

// Of all connections of a process. Less than the lowest is less than ten messages in the longest
// hold, a day. What one process sends at best is about a million a second; far above, what is late
// grows faster than it is sent, and a hold that sends all of it has no end.
inline constexpr double messages_per_s_min = 0.0001;
inline constexpr double messages_per_s_max = 10'000'000;

// Throws `failure` for a rate, called `what`, that is beyond these limits or no number.
void check_rate(double messages_per_s, const std::string& what);

// "0.0001", "86400": a number as people write it, without zeros at its end.
std::string plain_number(double number);

}  // namespace chinwag::load
