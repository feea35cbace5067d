#pragma once

#include <map>
#include <string>

#include "chinwag/error.hpp"

namespace chinwagd {

struct file_values {
  chinwag::status outcome;
  std::map<std::string, std::string> values{};  // option name to text
};

// Reads a TOML file of `name = value` lines.
file_values read_settings_file(const std::string& path);

}  // namespace chinwagd
