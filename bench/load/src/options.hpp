#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "generator.hpp"

namespace chinwag::load {

struct options {
  generator_options generator;
  hold_request hold;
  std::filesystem::path profile;
  std::optional<std::uint32_t> connections;  // else the profile's
  bool control = false;
  bool json = false;
  std::string output;
};

// Answers an exit code instead when there is nothing to run: help was asked for, or an option is
// wrong.
std::optional<int> read_options(int argc, char** argv, options& out);

}  // namespace chinwag::load
