#pragma once

#include <pybind11/pybind11.h>

#include <span>
#include <vector>

#include "chinwag/event_queue.hpp"
#include "chinwag/options.hpp"
#include "chinwag/stats.hpp"

namespace chinwag::python {

// Options by name. Raises ChinwagError for an unknown one and for a value that does not fit.
options read_options(const pybind11::dict& given);

event_choice read_choice(const pybind11::iterable& names);

// Each event as (kind, handle, number, user, room, content, code).
pybind11::list to_list(std::span<const event> events);

// From (handle, number, kind, text, code) each.
std::vector<decision> read_decisions(const pybind11::list& given);

// Counters by name; those of several kinds as a dict of their own.
pybind11::dict to_dict(const stats& counted);

}  // namespace chinwag::python
