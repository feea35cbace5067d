#pragma once

#include <optional>
#include <string>

#include "chinwag/options.hpp"

namespace chinwagd {

// What the command line asks for.
struct settings {
  chinwag::options server;
  std::string log_level = "info";
  std::string backplane{};  // a URL; empty: a node that stands alone
  std::uint32_t drain_timeout_ms = 4'000;
  bool print_config = false;
  int upgrade_of = 0;  // the process that is asked for an upgrade; 0: serve
};

// Reads settings by precedence: flag, environment, file, default. What it returns instead of
// settings is the exit code of a program that has nothing more to do (--help, a mistake).
struct settings_or_exit {
  std::optional<settings> read;
  int exit_code = 0;
};
settings_or_exit read_settings(int count, char** arguments);

// The settings as a TOML file that gives the same settings again.
std::string to_toml(const settings& all);

}  // namespace chinwagd
