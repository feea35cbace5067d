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

  // While something else turns the connections: has their observer told of input. Answers false
  // where nobody would be: a line is there already, or the input is a file.
  bool begin_listening();
  // For who was told: reads what has come. Whether that is a line, and then the listening ends.
  bool has_come();

 private:
  bool has_line() const { return ended_ || received_.find('\n') != std::string::npos; }
  void read_some();
  void end_listening();

  class waiting;

  load::crowd& crowd_;
  std::string received_;
  bool ended_ = false;
  bool listening_ = false;
};

}  // namespace chinwag::load
