#include "limits.hpp"

#include <cstdio>

#include "failure.hpp"

namespace chinwag::load {

void check_rate(double messages_per_s, const std::string& what) {
  if (!(messages_per_s >= messages_per_s_min && messages_per_s <= messages_per_s_max)) {
    throw failure(exit_code::usage, what + " is " + plain_number(messages_per_s) +
                                        "; allowed: " + plain_number(messages_per_s_min) + " to " +
                                        plain_number(messages_per_s_max));
  }
}

std::string plain_number(double number) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.10g", number);
  return text;
}

}  // namespace chinwag::load
