#pragma once

#include <optional>
#include <string>

#include "crowd.hpp"

namespace chinwag::load {

// Waits for the next line of standard input and serves the connections meanwhile: servers ping, and
// close who is silent.
class command_input {
 public:
  explicit command_input(load::crowd& crowd) : crowd_(crowd) {}

  // Nothing at the end of the input.
  std::optional<std::string> next();

 private:
  bool has_line() const { return ended_ || received_.find('\n') != std::string::npos; }
  void read_some();

  class waiting;

  load::crowd& crowd_;
  std::string received_;
  bool ended_ = false;
};

}  // namespace chinwag::load
