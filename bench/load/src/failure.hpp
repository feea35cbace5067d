#pragma once

#include <stdexcept>
#include <string>

namespace chinwag::load {

// What the process tells its caller; the bench kit uses the same numbers.
enum class exit_code {
  ok = 0,
  shortfall = 1,    // the load ran, but deliveries or connections were lost
  usage = 2,        // an option, a command or a profile is wrong
  environment = 3,  // the server, the port or the limits of this machine
  internal = 4,     // a fault of this program
  unwritable = 5,   // what was measured can't be written
};

// Something that ends the program: says what happened, where, and what to do.
class failure : public std::runtime_error {
 public:
  failure(exit_code code, const std::string& text) : std::runtime_error(text), code_(code) {}

  exit_code code() const { return code_; }

 private:
  exit_code code_;
};

}  // namespace chinwag::load
