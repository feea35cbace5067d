#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace chinwag::floor {

// Not CLI::Range, which takes "nan" for a number within any limits.
inline CLI::Validator between(double lowest, double highest) {
  const std::string allowed =
      CLI::detail::to_string(lowest) + " to " + CLI::detail::to_string(highest);
  const auto check = [lowest, highest, allowed](const std::string& text) -> std::string {
    double value = 0;
    const bool is_number = CLI::detail::lexical_cast(text, value);
    return is_number && value >= lowest && value <= highest
               ? std::string()
               : text + " is no number from " + allowed;
  };
  return CLI::Validator(check, allowed);
}

}  // namespace chinwag::floor
