#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "chinwag/error.hpp"

namespace chinwag::python {

// Raises chinwag.ChinwagError, or ConnectionClosed, with the code in `code`.
[[noreturn]] void raise(const std::string& code, const std::string& text);

// Raises unless all is well.
void check(const status& outcome);

// Calls what may wait for the server's thread without holding the interpreter's lock.
template <typename Call>
status without_lock(const Call& call) {
  const pybind11::gil_scoped_release unlocked;
  return call();
}

}  // namespace chinwag::python
