#pragma once

#include <pybind11/pybind11.h>

#include "chinwag/error.hpp"

namespace chinwag::python {

// The one place where the core's errors become Python's: chinwag.ChinwagError with a `code`.
void add_errors(pybind11::module_& module);

// Raises ChinwagError unless all is well.
void check(const status& outcome);

}  // namespace chinwag::python
