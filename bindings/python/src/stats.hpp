#pragma once

#include <pybind11/pybind11.h>

#include "chinwag/stats.hpp"

namespace chinwag::python {

// The counters by their names in chinwag::stats; what is counted by kind is a dict of its own.
pybind11::dict to_dict(const stats& counted);

}  // namespace chinwag::python
