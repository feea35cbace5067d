#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "chinwag/error.hpp"

namespace chinwag::python {

// Raises chinwag.ChinwagError, or ConnectionClosed, with the code in `code`.
[[noreturn]] void raise(const std::string& code, const std::string& text);

// Raises unless all is well.
void check(const status& outcome);

// Takes the interpreter's lock again. Before Python 3.14 an interpreter that ends unwinds the
// threads that ask for it, through code that can't be left so; here such a thread stops instead,
// as it does from 3.14 on.
void take_lock(PyThreadState* kept);

// Calls what may wait for the server's thread without holding the interpreter's lock.
template <typename Call>
status without_lock(const Call& call) {
  PyThreadState* const kept = PyEval_SaveThread();
  status outcome;
  try {
    outcome = call();
  } catch (...) {
    take_lock(kept);
    throw;
  }
  take_lock(kept);
  return outcome;
}

}  // namespace chinwag::python
